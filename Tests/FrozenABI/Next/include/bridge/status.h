// Status codes, texts, and the detail of a failure.
#ifndef BRIDGE_STATUS_H
#define BRIDGE_STATUS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// A status code. 0 to 16 are the gRPC codes of the same number
// (https://grpc.io/docs/guides/status-codes/); the others exist between host and plugin only.
// Codes are appended, never changed: treat one you do not know as BRIDGE_UNKNOWN.
typedef int32_t bridge_status;

enum {
  BRIDGE_OK = 0,
  BRIDGE_CANCELLED = 1,
  BRIDGE_UNKNOWN = 2,
  BRIDGE_INVALID_ARGUMENT = 3,
  BRIDGE_DEADLINE_EXCEEDED = 4,
  BRIDGE_NOT_FOUND = 5,
  BRIDGE_ALREADY_EXISTS = 6,
  BRIDGE_PERMISSION_DENIED = 7,
  BRIDGE_RESOURCE_EXHAUSTED = 8,
  BRIDGE_FAILED_PRECONDITION = 9,
  BRIDGE_ABORTED = 10,
  BRIDGE_OUT_OF_RANGE = 11,
  BRIDGE_UNIMPLEMENTED = 12,
  BRIDGE_INTERNAL = 13,
  BRIDGE_UNAVAILABLE = 14,
  BRIDGE_DATA_LOSS = 15,
  BRIDGE_UNAUTHENTICATED = 16,

  // A stream takes no more for now; nothing was taken.
  BRIDGE_FULL = 100,
  // A tool goes on after its function has returned; see bridge_call_api.retain.
  BRIDGE_PENDING = 101
};

// UTF-8 text that belongs to somebody else. It is not terminated. Unless a function says otherwise,
// a view handed to a function is read before it returns, and a view handed out is valid as long as
// what it was taken from. This layout is fixed for ever.
typedef struct bridge_str {
  const char *data; // may be NULL when length is 0
  size_t length;
} bridge_str;

// A key with a text, as metadata has them. This layout is fixed for ever.
typedef struct bridge_pair {
  bridge_str key;
  bridge_str value;
} bridge_pair;

// A view of a string literal.
#define BRIDGE_STR(literal) {(literal), sizeof(literal) - 1}

// Whether a struct, as the other side made it, reaches as far as a field.
#define BRIDGE_REACHES(pointer, field)                                                             \
  ((size_t)((const char *)(&(pointer)->field + 1) - (const char *)(pointer)) <= (pointer)->size)

// Whether a table, as this host made it, has a function. All of version 1.0 are in every table.
#define BRIDGE_HAS(table, function)                                                                \
  (BRIDGE_REACHES(table, function) && (table)->function != NULL)

// Gives back what was lent or handed over, once; `free` is one. [any-thread]
typedef void (*bridge_release)(void *context);

enum {
  BRIDGE_ERROR_RETRYABLE = 1u << 0 // the same call may succeed later
};

// Why something failed.
typedef struct bridge_error {
  uint32_t size; // sizeof(bridge_error)
  uint32_t flags;
  bridge_status code;
  uint32_t reserved; // 0
  bridge_str message; // for a person: what was wrong, with which value
  bridge_str type;    // for a program: a short name; may be empty
  bridge_str details; // a JSON object; may be empty
  // Grown.
  uint64_t next_number;
  const char *next_text;
} bridge_error;

#ifdef __cplusplus
}
#endif

#endif
