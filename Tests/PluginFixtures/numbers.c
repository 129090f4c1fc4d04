// Functions that answer what they are given, in every type of a native manifest.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

bool echo_bool(bool value) { return value; }
int8_t echo_int8(int8_t value) { return value; }
uint8_t echo_uint8(uint8_t value) { return value; }
int16_t echo_int16(int16_t value) { return value; }
uint16_t echo_uint16(uint16_t value) { return value; }
int32_t echo_int32(int32_t value) { return value; }
uint32_t echo_uint32(uint32_t value) { return value; }
int64_t echo_int64(int64_t value) { return value; }
uint64_t echo_uint64(uint64_t value) { return value; }
size_t echo_size_t(size_t value) { return value; }
float echo_float(float value) { return value; }
double echo_double(double value) { return value; }
const char *echo_string(const char *value) { return value; }

// Answers the largest number, which only some types of the host hold.
uint64_t largest(void) { return UINT64_MAX; }

// Reads and writes each element: what comes back went through the function.
#define ARRAY(type, name)                                                                          \
  void array_##name(type *values, size_t count) {                                                  \
    for (size_t i = 0; i < count; i++) {                                                           \
      const volatile type value = values[i];                                                       \
      values[i] = value;                                                                           \
    }                                                                                              \
  }
ARRAY(int8_t, int8)
ARRAY(uint8_t, uint8)
ARRAY(int16_t, int16)
ARRAY(uint16_t, uint16)
ARRAY(int32_t, int32)
ARRAY(uint32_t, uint32)
ARRAY(int64_t, int64)
ARRAY(uint64_t, uint64)
ARRAY(float, float)
ARRAY(double, double)
