#include "protobuf.h"

#include <stdlib.h>
#include <string.h>

void buffer_append(struct buffer *buffer, const void *bytes, size_t length) {
  if (length == 0) return;
  if (buffer->length + length > buffer->capacity) {
    buffer->capacity = (buffer->length + length) * 2;
    buffer->bytes = realloc(buffer->bytes, buffer->capacity);
    if (!buffer->bytes) abort();
  }
  memcpy(buffer->bytes + buffer->length, bytes, length);
  buffer->length += length;
}

void buffer_free(struct buffer *buffer) {
  free(buffer->bytes);
  *buffer = (struct buffer){0};
}

enum { VARINT = 0, FIXED64 = 1, DELIMITED = 2, FIXED32 = 5 };

static void varint(struct buffer *out, uint64_t value) {
  uint8_t bytes[10];
  size_t count = 0;
  do {
    bytes[count++] = (uint8_t)(value & 0x7f) | (value > 0x7f ? 0x80 : 0);
    value >>= 7;
  } while (value);
  buffer_append(out, bytes, count);
}

void pb_number(struct buffer *out, uint32_t field, uint64_t value) {
  varint(out, (uint64_t)field << 3 | VARINT);
  varint(out, value);
}

void pb_bytes(struct buffer *out, uint32_t field, const void *bytes, size_t length) {
  varint(out, (uint64_t)field << 3 | DELIMITED);
  varint(out, length);
  buffer_append(out, bytes, length);
}

void pb_text(struct buffer *out, uint32_t field, const char *text) {
  pb_bytes(out, field, text, strlen(text));
}

static bool read_varint(struct pb_reader *reader, uint64_t *value) {
  *value = 0;
  for (unsigned shift = 0; reader->at < reader->end && shift < 64; shift += 7) {
    uint8_t byte = *reader->at++;
    *value |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool pb_next(struct pb_reader *reader, struct pb_field *field) {
  uint64_t key;
  if (reader->at == reader->end || !read_varint(reader, &key)) return false;
  *field = (struct pb_field){.number = (uint32_t)(key >> 3)};
  switch (key & 7) {
    case VARINT: return read_varint(reader, &field->value);
    case DELIMITED: {
      uint64_t length;
      if (!read_varint(reader, &length)) return false;
      if (length > (uint64_t)(reader->end - reader->at)) return false;
      field->bytes = reader->at;
      field->length = length;
      reader->at += length;
      return true;
    }
    case FIXED64:
    case FIXED32: {
      size_t width = (key & 7) == FIXED64 ? 8 : 4;
      if (width > (size_t)(reader->end - reader->at)) return false;
      memcpy(&field->value, reader->at, width);
      reader->at += width;
      return true;
    }
    default: return false;
  }
}

struct pb_field pb_find(const uint8_t *bytes, size_t length, uint32_t number) {
  struct pb_reader reader = {bytes, bytes + length};
  struct pb_field field, found = {0};
  while (pb_next(&reader, &field)) {
    if (field.number == number) found = field;
  }
  return found;
}

bool pb_equals(struct pb_field field, const char *text) {
  return field.bytes && field.length == strlen(text) && !memcmp(field.bytes, text, field.length);
}
