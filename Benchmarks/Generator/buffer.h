// Bytes that grow.
#ifndef BUFFER_H
#define BUFFER_H

#include <stddef.h>
#include <stdint.h>

struct buffer {
  uint8_t *bytes;
  size_t length, capacity;
};

void buffer_append(struct buffer *buffer, const void *bytes, size_t length);
void buffer_free(struct buffer *buffer);

#endif
