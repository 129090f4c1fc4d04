// Functions with arrays, texts and results of every kind of a native manifest.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#pragma GCC visibility push(default)

double mixed(int8_t first, const double *numbers, size_t count, bool flag, float half,
             const char *text) {
  double sum = first + (flag ? 100 : 0) + half + (double)strlen(text);
  for (size_t i = 0; i < count; i++) sum += numbers[i];
  return sum;
}

// Writes into all that it is given, also where it should only read.
int32_t spread(
    int32_t *left, const int32_t *read_only, int16_t *right, uint8_t count, uint8_t read_count,
    uint8_t right_count) {
  (void)read_count, (void)right_count;
  int32_t *careless = (int32_t *)read_only;
  for (unsigned i = 0; i < count; i++) {
    right[i] = (int16_t)(left[i] + read_only[i]);
    left[i] = -1;
    careless[i] = -2;
  }
  return count;
}

void fill(bool *flags, size_t count) {
  for (size_t i = 0; i < count; i++) ((uint8_t *)flags)[i] = (uint8_t)i;
}

void double_all(double *numbers, size_t count) {
  for (size_t i = 0; i < count; i++) numbers[i] *= 2;
}

int calls;
void nothing(void) { calls++; }
int32_t how_often(void) { return calls; }
const char *no_text(void) { return NULL; }
const char *latin_text(void) { return "\xE4"; }

int no_function = 7;
