// Values: what parameters, results and variables hold.
#ifndef BRIDGE_VALUE_H
#define BRIDGE_VALUE_H

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

// The type of a parameter, a result or a variable. Types are appended, never changed.
typedef uint32_t bridge_type;

enum {
  BRIDGE_TYPE_NULL = 0, // no value
  // The eight variable types.
  BRIDGE_TYPE_FLOAT = 1,
  BRIDGE_TYPE_INTEGER = 2,
  BRIDGE_TYPE_STRING = 3,
  BRIDGE_TYPE_BOOLEAN = 4,
  BRIDGE_TYPE_CHOICE = 5,
  BRIDGE_TYPE_MODULE = 6,
  BRIDGE_TYPE_EMBEDDING = 7,
  BRIDGE_TYPE_TENSOR = 8,
  // Parameters and results only.
  BRIDGE_TYPE_OBJECT = 9, // JSON text of an object
  BRIDGE_TYPE_ARRAY = 10, // JSON text of an array
  BRIDGE_TYPE_BYTES = 11,
  BRIDGE_TYPE_ANY = 12 // JSON text of any value
};

// The type of the numbers in an embedding or tensor.
typedef uint32_t bridge_element;

enum {
  BRIDGE_FLOAT64 = 1,
  BRIDGE_FLOAT32 = 2,
  BRIDGE_INT64 = 3,
  BRIDGE_INT32 = 4,
  BRIDGE_INT16 = 5,
  BRIDGE_INT8 = 6,
  BRIDGE_UINT64 = 7,
  BRIDGE_UINT32 = 8,
  BRIDGE_UINT16 = 9,
  BRIDGE_UINT8 = 10,
  BRIDGE_BOOL = 11
};

// Numbers of one element type: row-major, in the machine's byte order, aligned to 8 bytes.
// This layout is fixed for ever.
typedef struct bridge_numbers {
  const void *data;
  size_t count; // elements
  bridge_element element;
  uint32_t rank;         // lengths in `shape`; 0 for a scalar
  const uint64_t *shape; // outermost first; NULL with rank 1 stands for {count}
} bridge_numbers;

// A value and its type. `as` is read by the type:
//   FLOAT number · INTEGER integer · BOOLEAN boolean · EMBEDDING, TENSOR numbers ·
//   STRING, CHOICE, MODULE text · OBJECT, ARRAY, ANY text (JSON) · BYTES text (bytes)
// This layout is fixed for ever, so that values are embedded and lie in arrays: a new type has to
// fit, or to point at more.
typedef struct bridge_value {
  bridge_type type;
  uint32_t reserved; // 0
  union {
    double number;
    int64_t integer;
    uint8_t boolean; // 0 or 1
    bridge_str text;
    bridge_numbers numbers;
  } as;
} bridge_value;

// A value with a name. This layout is fixed for ever.
typedef struct bridge_argument {
  bridge_str name;
  bridge_value value;
} bridge_argument;

#ifdef __cplusplus
}
#endif

#endif
