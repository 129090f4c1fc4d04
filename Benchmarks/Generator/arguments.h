// The `key=value` words of a command.
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <stdint.h>

struct arguments {
  int count;
  char *words[32];
};

uint64_t argument_number(const struct arguments *arguments, const char *key, uint64_t otherwise);
const char *argument_text(const struct arguments *arguments, const char *key,
                          const char *otherwise);

// Answers the command with an object of `{"error": ...}` and ends the program.
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
