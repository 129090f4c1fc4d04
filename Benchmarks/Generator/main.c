// bridge-load PORT: makes load on a server on loopback, as lines on standard input say.
//
// A line is a command and `key=value` words, see commands.h; `connect count=N [window=BYTES]` and
// `close [connection=A] [connections=B] [reset=1]` are here. Each is answered by a line of JSON.
// Connections and watches stay open between commands. After {"error": ...} the program ends.
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "grpc.h"

const char *argument_text(const struct arguments *arguments, const char *key,
                          const char *otherwise) {
  size_t length = strlen(key);
  for (int i = 0; i < arguments->count; i++) {
    const char *word = arguments->words[i];
    if (!strncmp(word, key, length) && word[length] == '=') return word + length + 1;
  }
  return otherwise;
}

uint64_t argument_number(const struct arguments *arguments, const char *key, uint64_t otherwise) {
  const char *text = argument_text(arguments, key, NULL);
  if (!text) return otherwise;
  char *end;
  uint64_t number = strtoull(text, &end, 10);
  if (end == text || *end) fail("%s is not a number", key);
  return number;
}

void fail(const char *format, ...) {
  va_list values;
  va_start(values, format);
  printf("{\"error\": \"");
  vprintf(format, values);
  printf("\"}\n");
  va_end(values);
  fflush(stdout);
  exit(1);
}

static void command_connect(const struct arguments *arguments) {
  size_t count = argument_number(arguments, "count", 1);
  if (!grpc_connect(count, (uint32_t)argument_number(arguments, "window", 16 << 20))) {
    fail("cannot connect");
  }
  printf("{\"connections\": %zu}\n", connection_count);
}

static void command_close(const struct arguments *arguments) {
  size_t first = argument_number(arguments, "connection", 0);
  size_t count = argument_number(arguments, "connections", connection_count - first);
  if (first + count > connection_count) fail("no such connections");
  for (size_t i = first; i < first + count; i++) {
    grpc_close(connections[i], argument_number(arguments, "reset", 0));
  }
  printf("{\"closed\": %zu}\n", count);
}

static const struct {
  const char *name;
  void (*run)(const struct arguments *arguments);
} commands[] = {
    {"connect", command_connect}, {"close", command_close},     {"calls", command_calls},
    {"watch", command_watch},     {"unwatch", command_unwatch}, {"watches", command_watches},
    {"declare", command_declare}, {"write", command_write},     {"resume", command_resume},
};

static void run(char *line) {
  struct arguments arguments = {0};
  char *name = strtok(line, " \n");
  if (!name) return;
  char *word;
  while ((word = strtok(NULL, " \n")) && arguments.count < 32) {
    arguments.words[arguments.count++] = word;
  }
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    if (strcmp(commands[i].name, name)) continue;
    commands[i].run(&arguments);
    fflush(stdout);
    return;
  }
  fail("no command %s", name);
}

int main(int count, char **words) {
  if (count != 2 || atoi(words[1]) <= 0) {
    fprintf(stderr, "usage: bridge-load PORT\n");
    return 64;
  }
  signal(SIGPIPE, SIG_IGN);
  grpc_set_port(atoi(words[1]));
  char *line = NULL;
  size_t capacity = 0;
  while (getline(&line, &capacity, stdin) > 0) run(line);
  return 0;
}
