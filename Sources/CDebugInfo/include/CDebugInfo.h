// What debug information says of functions: their names, parameters and types, as far as calls depend on it.
//
// libdw reads it (elfutils, Debian: libdw-dev). It is loaded when it is first needed: most libraries have no
// debug information, and no process needs more memory for those.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum debug_kind {
  DEBUG_VOID,
  DEBUG_BOOLEAN,
  DEBUG_SIGNED,
  DEBUG_UNSIGNED,
  // Whether it has a sign is not for callers to know: char, and enumerations.
  DEBUG_WHOLE,
  DEBUG_FLOAT,
  DEBUG_POINTER,
  DEBUG_STRUCT,
  DEBUG_UNION,
  DEBUG_FUNCTION,
  // Anything else.
  DEBUG_OTHER
};

// A type without the names that stand for it, and without qualifiers.
struct debug_type {
  enum debug_kind kind;
  // Bytes; 0 where it is not known, as of a struct that is only declared.
  uint64_t size;
  // Of a pointer: what it leads to. A pointer to a pointer has DEBUG_POINTER.
  enum debug_kind target;
  uint64_t target_size;
  // As C writes it, cut off where it is long.
  char name[96];
};

struct debug_parameter {
  char name[64];
  struct debug_type type;
};

struct debug_function {
  struct debug_type returns;
  // As many as `parameters` has room for; the function may have more.
  size_t parameter_count;
  const struct debug_parameter *parameters;
  // Whether it takes more than is declared.
  int is_variadic;
  // Whether it was defined as C before 1989 did, or its parameters are not told.
  int is_unprototyped;
};

// Whether a file has debug information in it. [any-thread]
int debug_is_there(int file);

// Looks for functions that a file defines.
//
// `found` is called for each of the names whose function is described, with its place among them; what it is
// given is valid inside the call.
//
// Returns 0; -1 where the system has no libdw; -2 where the file's debug information cannot be read. [any-thread]
int debug_functions(
    int file, const char *const *names, size_t count, void *context,
    void (*found)(void *context, size_t name, const struct debug_function *function));

// Looks for the line of the source that an instruction comes from. `address` counts from the beginning of the
// object; the path of the source is put into `source`, cut off where it is longer than `room`.
//
// Returns the line; 0 where none is known; below 0 as `debug_functions`. [any-thread]
int debug_line(int file, uint64_t address, char *source, size_t room);
