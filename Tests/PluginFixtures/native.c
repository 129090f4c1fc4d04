// Functions of a library that knows nothing of the host, of every kind that a manifest can describe.
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PUBLIC __attribute__((visibility("default")))

struct point {
  double x, y;
};

struct shape {
  int8_t kind;
  struct point corners[2];
  uint16_t weights[3];
  bool is_filled;
  uint64_t id;
};

// Structs by value, both ways.
PUBLIC struct point middle(struct point a, struct point b) {
  return (struct point){(a.x + b.x) / 2, (a.y + b.y) / 2};
}

// A struct through a pointer that it changes.
PUBLIC void grow(struct shape *shape, double factor) {
  for (int index = 0; index < 2; index++) {
    shape->corners[index].x *= factor;
    shape->corners[index].y *= factor;
  }
  for (int index = 0; index < 3; index++) shape->weights[index]++;
  shape->is_filled = !shape->is_filled;
  shape->id++;
  shape->kind--;
}

// One that it only reads, or NULL.
PUBLIC double area(const struct shape *shape) {
  if (!shape) return -1;
  return (shape->corners[1].x - shape->corners[0].x) * (shape->corners[1].y - shape->corners[0].y);
}

// One that it fills in.
PUBLIC void unit(struct point *point) { *point = (struct point){1, 1}; }

// A pointer to one of its own.
PUBLIC const struct point *origin(void) {
  static const struct point point = {0, -0.5};
  return &point;
}

// Numbers that it writes.
PUBLIC void divide(int64_t number, int64_t by, int64_t *quotient, int32_t *remainder) {
  *quotient = number / by;
  *remainder = (int32_t)(number % by);
}

PUBLIC void add_to(uint8_t *total, uint8_t number) { *total += number; }

// One that no manifest can describe.
PUBLIC int64_t sum_of(int count, ...) {
  va_list numbers;
  va_start(numbers, count);
  int64_t sum = 0;
  for (int index = 0; index < count; index++) sum += va_arg(numbers, int);
  va_end(numbers);
  return sum;
}

// Texts that its caller frees, and how many were not yet.
static int64_t unfreed;

PUBLIC int64_t unfreed_count(void) { return __atomic_load_n(&unfreed, __ATOMIC_ACQUIRE); }

static void *make(size_t size) {
  __atomic_add_fetch(&unfreed, 1, __ATOMIC_ACQ_REL);
  return malloc(size);
}

PUBLIC void release(void *memory) {
  if (memory) __atomic_sub_fetch(&unfreed, 1, __ATOMIC_ACQ_REL);
  free(memory);
}

PUBLIC char *twice(const char *text) {
  if (!text) return NULL;
  const size_t length = strlen(text);
  char *answer = make(2 * length + 1);
  memcpy(answer, text, length);
  memcpy(answer + length, text, length + 1);
  return answer;
}

PUBLIC int64_t halves(const char *text, char **first, char **second) {
  const size_t length = strlen(text) / 2;
  *first = make(length + 1);
  memcpy(*first, text, length);
  (*first)[length] = 0;
  *second = make(strlen(text) - length + 1);
  strcpy(*second, text + length);
  return (int64_t)length;
}

// An array that its caller frees.
PUBLIC double *first_squares(size_t count, size_t *length) {
  double *squares = make(count * sizeof *squares + 1);
  for (size_t index = 0; index < count; index++) squares[index] = (double)(index * index);
  *length = count;
  return squares;
}

PUBLIC int32_t evens(int32_t below, int32_t **numbers, size_t *length) {
  *length = 0;
  *numbers = make((size_t)(below / 2 + 1) * sizeof **numbers);
  for (int32_t number = 0; number < below; number += 2) (*numbers)[(*length)++] = number;
  return 0;
}

// Bytes into its caller's room: the size of the room goes in, that of the answer comes out.
PUBLIC int reverse(unsigned char *to, uint32_t *size, const unsigned char *from, size_t count) {
  if (*size < count) return -5;
  for (size_t index = 0; index < count; index++) to[index] = from[count - 1 - index];
  *size = (uint32_t)count;
  return 0;
}

PUBLIC const char *words_for(int status) { return status == -5 ? "there is too little room" : "it is well"; }

// Says that it has written more than it was given room for.
PUBLIC void lie(unsigned char *to, size_t *size) {
  if (*size) to[0] = 1;
  *size += 1;
}

// Errors of all kinds.
PUBLIC int fail_with(int number) {
  errno = number;
  return number ? -1 : 7;
}

PUBLIC void *nothing_with(int number) {
  errno = number;
  return number ? NULL : (void *)"a text";
}

// A table of rows and columns.
PUBLIC void row_sums(const double *table, uint32_t rows, uint32_t columns, double *sums) {
  for (uint32_t row = 0; row < rows; row++) {
    sums[row] = 0;
    for (uint32_t column = 0; column < columns; column++) sums[row] += table[row * columns + column];
  }
}

PUBLIC void transpose(float *table, size_t count, int64_t rows, int64_t columns) {
  (void)count;
  if (rows != columns) return;
  for (int64_t row = 0; row < rows; row++)
    for (int64_t column = 0; column < row; column++) {
      const float other = table[row * columns + column];
      table[row * columns + column] = table[column * columns + row];
      table[column * columns + row] = other;
    }
}

// Callbacks.
PUBLIC void sort(int32_t *numbers, size_t count, int (*compare)(const void *, const void *)) {
  qsort(numbers, count, sizeof *numbers, compare);
}

PUBLIC int64_t work(int64_t steps, int (*report)(void *, int64_t, int64_t), void *context) {
  for (int64_t step = 0; step < steps; step++)
    if (report(context, step, steps) != 0) return step;
  return steps;
}

PUBLIC int64_t wait_for_stop(bool (*goes_on)(void)) {
  int64_t rounds = 0;
  while (goes_on()) rounds++;
  return rounds;
}

// An object that means something here alone.
struct counter {
  int64_t value;
  int is_used;
};

PUBLIC struct counter *counter_new(int64_t start) {
  if (start < 0) {
    errno = EINVAL;
    return NULL;
  }
  struct counter *counter = make(sizeof *counter);
  *counter = (struct counter){start, 0};
  return counter;
}

PUBLIC int counter_open(const char *name, struct counter **counter) {
  *counter = counter_new((int64_t)strlen(name));
  return strcmp(name, "bad") ? 0 : 1;
}

PUBLIC int64_t counter_add(struct counter *counter, int64_t number) {
  // Two at once are a fault.
  if (__atomic_exchange_n(&counter->is_used, 1, __ATOMIC_ACQ_REL)) return -1;
  for (volatile int spin = 0; spin < 1000; spin++) {}
  counter->value += number;
  const int64_t value = counter->value;
  __atomic_store_n(&counter->is_used, 0, __ATOMIC_RELEASE);
  return value;
}

PUBLIC int64_t counter_sum(const struct counter *left, const struct counter *right) {
  return left->value + (right ? right->value : 0);
}

PUBLIC void counter_free(struct counter *counter) { release(counter); }

// Where a tensor lies in memory, to see whether it was copied.
PUBLIC int64_t address_of(const double *numbers, size_t count) {
  (void)count;
  return (int64_t)(intptr_t)numbers;
}
