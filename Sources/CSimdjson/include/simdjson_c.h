// A C interface to simdjson (https://github.com/simdjson/simdjson), which is C++.
//
// A parse turns a document into one flat array of nodes in document order: an array's elements and
// an object's key and value pairs follow their node. Walking that array from Swift needs no call
// for each value.
#ifndef SIMDJSON_C_H
#define SIMDJSON_C_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum sj_kind {
  SJ_NULL = 0,
  SJ_FALSE,
  SJ_TRUE,
  SJ_INT64,
  SJ_UINT64, // only for numbers above INT64_MAX
  SJ_DOUBLE,
  SJ_STRING,
  SJ_ARRAY,
  SJ_OBJECT
} sj_kind;

typedef struct sj_node {
  uint32_t kind;
  // Bytes of a string, elements of an array, pairs of an object.
  uint32_t count;
  union {
    int64_t int64;
    uint64_t uint64;
    double float64;
    const char *string; // UTF-8, not terminated
  } value;
} sj_node;

typedef enum sj_result {
  SJ_OK = 0,
  SJ_MALFORMED,
  SJ_TOO_DEEP,
  SJ_NUMBER_OUT_OF_RANGE,
  SJ_NO_MEMORY
} sj_result;

// Parses `length` bytes with a parser of the calling thread.
//
// `nodes` and the strings they point to belong to that parser and are valid until the thread's
// next parse. `message` is a static text on failure.
sj_result sj_parse(const uint8_t *bytes, size_t length, size_t max_depth, const sj_node **nodes,
                   size_t *count, const char **message);

#ifdef __cplusplus
}
#endif

#endif
