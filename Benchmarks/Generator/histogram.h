// Latencies in buckets whose width is below 1.6 % of their value.
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

struct histogram {
  uint64_t counts[64 * 128];
  uint64_t count, largest;
};

static inline void histogram_add(struct histogram *histogram, uint64_t nanoseconds) {
  unsigned shift = nanoseconds < 128 ? 0 : (unsigned)(57 - __builtin_clzll(nanoseconds));
  histogram->counts[shift * 128 + (nanoseconds >> shift)]++;
  histogram->count++;
  if (nanoseconds > histogram->largest) histogram->largest = nanoseconds;
}

// Microseconds that so many of 1 stay below.
static inline double histogram_quantile(const struct histogram *histogram, double quantile) {
  uint64_t wanted = (uint64_t)(quantile * (double)histogram->count), seen = 0;
  for (unsigned i = 0; i < 64 * 128; i++) {
    seen += histogram->counts[i];
    if (seen > wanted) {
      return (double)((uint64_t)(i % 128) << (i / 128)) / 1000;
    }
  }
  return (double)histogram->largest / 1000;
}

#endif
