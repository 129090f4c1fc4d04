// Values as the bridge protocol has them: google.protobuf.Any with JSON in it.
#ifndef VALUES_H
#define VALUES_H

#include <stdio.h>

#include "protobuf.h"

static inline void put_value(struct buffer *out, uint32_t field, const char *type,
                             const char *json) {
  char url[64];
  snprintf(url, sizeof url, "dspex.variables/%s", type);
  struct buffer any = {0};
  pb_text(&any, 1, url);
  pb_text(&any, 2, json);
  pb_bytes(out, field, any.bytes, any.length);
  buffer_free(&any);
}

// The JSON of a `Variable`.
static inline struct pb_field value_of(const uint8_t *variable, size_t length) {
  struct pb_field any = pb_find(variable, length, 4);
  return any.bytes ? pb_find(any.bytes, any.length, 2) : any;
}

#endif
