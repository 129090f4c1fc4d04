// As much of protobuf's wire format as the benchmarks' messages need.
#ifndef PROTOBUF_H
#define PROTOBUF_H

#include <stdbool.h>

#include "buffer.h"

void pb_number(struct buffer *out, uint32_t field, uint64_t value);
void pb_bytes(struct buffer *out, uint32_t field, const void *bytes, size_t length);
void pb_text(struct buffer *out, uint32_t field, const char *text);

// A length-delimited field, or a number (then `bytes` is null).
struct pb_field {
  uint32_t number;
  uint64_t value;
  const uint8_t *bytes;
  size_t length;
};

struct pb_reader {
  const uint8_t *at, *end;
};

// False at the end, and at the first thing that is not protobuf.
bool pb_next(struct pb_reader *reader, struct pb_field *field);

// The last occurrence of a field; number 0 in it when there is none.
struct pb_field pb_find(const uint8_t *bytes, size_t length, uint32_t number);

bool pb_equals(struct pb_field field, const char *text);

#endif
