// Plain functions of libExampleToolsC.so. They know nothing of bridge-host: the native manifest
// example_tools_c.native.json makes tools of them.
#ifndef EXAMPLE_TOOLS_C_H
#define EXAMPLE_TOOLS_C_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The arithmetic mean; 0 for no values.
double example_mean(const double *values, size_t count);

// Multiplies the values in place.
void example_scale(double *values, size_t count, double factor);

// The nearest value from `low` to `high`.
int32_t example_clamp(int32_t value, int32_t low, int32_t high);

#ifdef __cplusplus
}
#endif

#endif
