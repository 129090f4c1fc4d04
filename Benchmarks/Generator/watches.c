// Watches, and a writer whose changes they must see: all, once, in order, with the right values.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "grpc.h"
#include "histogram.h"
#include "protobuf.h"
#include "values.h"

#define BRIDGE "/snakepit.bridge.BridgeService/"

struct watch {
  struct call call;
  bool is_synced, is_stalled;
  uint64_t version, revision;
};

// A run of writes. There is one at a time, and watches report to it.
struct writing {
  const char *session, *name;
  uint64_t first_version, count, size;
  uint64_t started, answered, failed;
  // By the number of the write.
  uint64_t *sent_at;
  // By version: the number of the write that made it, from 1; 0 while nobody has said.
  uint64_t *writer_said, *watches_said;
  // By version, how many watches have it.
  uint64_t *seen;
  uint64_t deliveries, lost, reordered, wrong;
  struct histogram latencies;
};

static struct watch **watches;
static size_t watch_count, open_count;
static uint64_t ended[18];
static struct writing *writing;

// ---------------------------------------------------------------------------------------------
// Values: numbers with leading zeros and as much after them as the size asks for, as JSON strings

enum { DIGITS = 10 };

static char *numbered_value(uint64_t number, uint64_t size) {
  size_t padding = size > DIGITS ? size - DIGITS : 0;
  char *text = malloc(DIGITS + padding + 3);
  snprintf(text, DIGITS + 2, "\"%0*" PRIu64, DIGITS, number);
  memset(text + 1 + DIGITS, 'x', padding);
  memcpy(text + 1 + DIGITS + padding, "\"", 2);
  return text;
}

// The number in a value of that form; 0 when it is none.
static uint64_t number_in(struct pb_field value, uint64_t size) {
  size_t length = (size > DIGITS ? size : DIGITS) + 2;
  if (!value.bytes || value.length != length || value.bytes[0] != '"') return 0;
  uint64_t number = 0;
  for (size_t i = 1; i <= DIGITS; i++) {
    if (value.bytes[i] < '0' || value.bytes[i] > '9') return 0;
    number = number * 10 + value.bytes[i] - '0';
  }
  for (size_t i = 1 + DIGITS; i + 1 < length; i++) {
    if (value.bytes[i] != 'x') return 0;
  }
  return number;
}

// ---------------------------------------------------------------------------------------------
// Watches

static void on_change(struct watch *watch, uint64_t version, struct pb_field value) {
  uint64_t expected = watch->version + 1;
  if (version < expected) {
    writing->reordered++;
    return;
  }
  writing->lost += version - expected;
  watch->version = version;
  uint64_t place = version - writing->first_version;
  if (version < writing->first_version || place >= writing->count) {
    writing->wrong++;
    return;
  }
  uint64_t number = number_in(value, writing->size);
  if (number == 0 || number > writing->started) {
    writing->wrong++;
    return;
  }
  if (!writing->watches_said[place]) writing->watches_said[place] = number;
  if (writing->watches_said[place] != number) writing->wrong++;
  writing->seen[place]++;
  writing->deliveries++;
  histogram_add(&writing->latencies, now_ns() - writing->sent_at[number - 1]);
}

static void on_update(struct call *call, const uint8_t *bytes, size_t length) {
  struct watch *watch = (struct watch *)call;
  struct pb_reader reader = {bytes, bytes + length};
  struct pb_field field, variable = {0}, type = {0};
  uint64_t revision = 0;
  while (pb_next(&reader, &field)) {
    if (field.number == 2) variable = field;
    if (field.number == 6) type = field;
    if (field.number == 100) revision = field.value;
  }
  if (pb_equals(type, "synced")) {
    watch->is_synced = true;
    watch->revision = revision;
  } else if (pb_equals(type, "initial_value")) {
    watch->version = pb_find(variable.bytes, variable.length, 9).value;
  } else if (pb_equals(type, "value_change") && writing && variable.bytes) {
    if (revision <= watch->revision) writing->reordered++;
    watch->revision = revision;
    on_change(watch, pb_find(variable.bytes, variable.length, 9).value,
              value_of(variable.bytes, variable.length));
  }
}

static void on_watch_end(struct call *call, int status) {
  struct watch *watch = (struct watch *)call;
  for (size_t i = 0; i < watch_count; i++) {
    if (watches[i] == watch) watches[i] = NULL;
  }
  open_count--;
  ended[status >= 0 && status <= 16 ? status : 17]++;
  free(watch);
}

void command_watch(const struct arguments *arguments) {
  size_t count = argument_number(arguments, "streams", 1);
  size_t first = argument_number(arguments, "connection", 0);
  size_t spread = argument_number(arguments, "connections", connection_count - first);
  uint64_t sessions = argument_number(arguments, "sessions", 1);
  bool stalls = argument_number(arguments, "stall", 0);
  const char *name = argument_text(arguments, "name", "v0");
  const char *session = argument_text(arguments, "session", NULL);
  if (spread == 0 || first + spread > connection_count) fail("no such connections");

  size_t before = watch_count;
  watches = realloc(watches, (before + count) * sizeof *watches);
  uint64_t start = now_ns();
  for (size_t i = 0; i < count; i++) {
    char text[32];
    snprintf(text, sizeof text, "s%" PRIu64, (uint64_t)i % sessions);
    struct buffer request = {0};
    pb_text(&request, 1, session ? session : text);
    pb_text(&request, 2, name);
    pb_number(&request, 3, 1);
    pb_number(&request, 102, 3600000);
    pb_number(&request, 104, 1);
    struct watch *watch = calloc(1, sizeof *watch);
    watch->call.message = on_update;
    watch->call.end = on_watch_end;
    watch->is_stalled = stalls;
    watches[watch_count++] = watch;
    open_count++;
    grpc_start(connections[first + i % spread], &watch->call, BRIDGE "WatchVariables",
               request.bytes, request.length);
    buffer_free(&request);
  }
  uint64_t deadline = start + 120000000000;
  for (size_t i = before; i < watch_count; i++) {
    while (watches[i] && !watches[i]->is_synced) {
      if (now_ns() > deadline) fail("a watch did not say synced");
      grpc_turn(100000000);
    }
    if (!watches[i]) fail("a watch ended before it said synced");
  }
  if (stalls) {
    for (size_t i = 0; i < spread; i++) grpc_stall(connections[first + i]);
  }
  printf("{\"watches\": %zu, \"seconds\": %.6f}\n", count, (double)(now_ns() - start) / 1e9);
}

void command_resume(const struct arguments *arguments) {
  (void)arguments;
  size_t count = 0;
  for (size_t i = 0; i < watch_count; i++) {
    if (!watches[i] || !watches[i]->is_stalled) continue;
    watches[i]->is_stalled = false;
    grpc_resume(watches[i]->call.connection);
    count++;
  }
  printf("{\"watches\": %zu}\n", count);
}

void command_unwatch(const struct arguments *arguments) {
  (void)arguments;
  size_t count = open_count;
  for (size_t i = 0; i < watch_count; i++) {
    if (watches[i]) grpc_cancel(&watches[i]->call);
  }
  uint64_t deadline = now_ns() + 60000000000;
  while (open_count) {
    if (now_ns() > deadline) fail("a cancelled watch did not end");
    grpc_turn(100000000);
  }
  watch_count = 0;
  printf("{\"watches\": %zu}\n", count);
}

void command_watches(const struct arguments *arguments) {
  uint64_t deadline = now_ns() + argument_number(arguments, "wait_ms", 0) * 1000000;
  do {
    grpc_turn(1000000);
  } while (now_ns() < deadline);
  printf("{\"open\": %zu, \"ended\": {", open_count);
  const char *separator = "";
  for (int status = 0; status <= 17; status++) {
    if (!ended[status]) continue;
    printf("%s\"%d\": %" PRIu64, separator, status == 17 ? -1 : status, ended[status]);
    separator = ", ";
  }
  printf("}}\n");
}

// ---------------------------------------------------------------------------------------------
// The writer

struct write_call {
  struct call call;
  uint64_t number;
  bool is_answered;
};

static void on_written(struct call *call, const uint8_t *bytes, size_t length) {
  struct write_call *self = (struct write_call *)call;
  uint64_t place = pb_find(bytes, length, 3).value - writing->first_version;
  if (pb_find(bytes, length, 1).value != 1 || place >= writing->count ||
      writing->writer_said[place]) {
    return;
  }
  writing->writer_said[place] = self->number;
  self->is_answered = true;
}

static void on_write_end(struct call *call, int status) {
  struct write_call *self = (struct write_call *)call;
  if (status != 0 || !self->is_answered) writing->failed++;
  writing->answered++;
  free(self);
}

static void write_next(struct connection *connection, uint64_t due) {
  struct write_call *self = calloc(1, sizeof *self);
  self->call.message = on_written;
  self->call.end = on_write_end;
  writing->sent_at[writing->started] = due;
  self->number = ++writing->started;
  struct buffer request = {0};
  pb_text(&request, 1, writing->session);
  pb_text(&request, 2, writing->name);
  char *value = numbered_value(self->number, writing->size);
  put_value(&request, 3, "string", value);
  free(value);
  grpc_start(connection, &self->call, BRIDGE "SetVariable", request.bytes, request.length);
  buffer_free(&request);
}

// The version the variable has, from a read.
struct version_call {
  struct call call;
  uint64_t version;
  bool has_ended;
};

static void on_version(struct call *call, const uint8_t *bytes, size_t length) {
  struct pb_field variable = pb_find(bytes, length, 1);
  if (variable.bytes) {
    ((struct version_call *)call)->version =
        pb_find(variable.bytes, variable.length, 9).value;
  }
}

static void on_version_end(struct call *call, int status) {
  (void)status;
  ((struct version_call *)call)->has_ended = true;
}

// Registers the variable, which fails when it is there, or reads it.
static uint64_t ask(struct connection *connection, const char *path, struct buffer request) {
  struct version_call call = {.call.message = on_version, .call.end = on_version_end};
  grpc_start(connection, &call.call, path, request.bytes, request.length);
  while (!call.has_ended) grpc_turn(100000000);
  return call.version;
}

void command_declare(const struct arguments *arguments) {
  struct connection *connection = connections[argument_number(arguments, "connection", 0)];
  struct buffer request = {0};
  const char *session = argument_text(arguments, "session", "s0");
  const char *name = argument_text(arguments, "name", "v0");
  pb_text(&request, 1, session);
  pb_text(&request, 2, name);
  struct buffer registration = {0};
  buffer_append(&registration, request.bytes, request.length);
  pb_text(&registration, 3, "string");
  put_value(&registration, 4, "string", "\"\"");
  ask(connection, BRIDGE "RegisterVariable", registration);
  uint64_t version = ask(connection, BRIDGE "GetVariable", request);
  if (!version) fail("could not register %s", name);
  buffer_free(&registration);
  buffer_free(&request);
  printf("{\"version\": %" PRIu64 "}\n", version);
}

static uint64_t healthy_watches(void) {
  uint64_t count = 0;
  for (size_t i = 0; i < watch_count; i++) {
    if (watches[i] && !watches[i]->is_stalled) count++;
  }
  return count;
}

void command_write(const struct arguments *arguments) {
  struct connection *connection = connections[argument_number(arguments, "connection", 0)];
  struct writing *run = calloc(1, sizeof *run);
  run->session = argument_text(arguments, "session", "s0");
  run->name = argument_text(arguments, "name", "v0");
  run->count = argument_number(arguments, "count", 1);
  run->size = argument_number(arguments, "size", 0);
  run->sent_at = calloc(run->count, sizeof *run->sent_at);
  run->writer_said = calloc(run->count, sizeof *run->writer_said);
  run->watches_said = calloc(run->count, sizeof *run->watches_said);
  run->seen = calloc(run->count, sizeof *run->seen);
  uint64_t ahead = argument_number(arguments, "ahead", 64);
  uint64_t rate = argument_number(arguments, "rate", 0);
  struct buffer request = {0};
  pb_text(&request, 1, run->session);
  pb_text(&request, 2, run->name);
  run->first_version = ask(connection, BRIDGE "GetVariable", request) + 1;
  buffer_free(&request);
  if (run->first_version == 1) fail("%s is not registered", run->name);
  uint64_t healthy = healthy_watches();
  writing = run;

  double cpu = cpu_seconds();
  uint64_t start = now_ns(), next = start;
  uint64_t end = start + argument_number(arguments, "seconds", 300) * 1000000000;
  // Versions that every watch has, and that the writer knows of.
  uint64_t done = 0;
  while (now_ns() < end && (done < run->count || run->answered < run->count)) {
    while (done < run->started && (healthy ? run->seen[done] >= healthy : done < run->answered)) {
      done++;
    }
    uint64_t now = now_ns();
    while (run->started < run->count && run->started - done < ahead && (!rate || next <= now)) {
      write_next(connection, rate ? next : now_ns());
      if (rate) next += 1000000000 / rate;
    }
    bool is_paced = rate && run->started < run->count && run->started - done < ahead;
    grpc_turn(is_paced && next > now ? next - now : 10000000);
    if (connection->fd < 0) fail("the writer's connection broke");
  }
  double seconds = (double)(now_ns() - start) / 1e9;
  if (run->answered < run->started) fail("writes were not answered in time");
  for (size_t i = 0; i < watch_count; i++) {
    if (!watches[i] || watches[i]->is_stalled) continue;
    run->lost += run->first_version + run->count - 1 - watches[i]->version;
  }
  for (uint64_t i = 0; i < run->count; i++) {
    if (run->seen[i] && run->writer_said[i] != run->watches_said[i]) run->wrong++;
  }
  writing = NULL;
  printf("{\"writes\": %" PRIu64 ", \"failed\": %" PRIu64 ", \"watches\": %" PRIu64
         ", \"deliveries\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"reordered\": %" PRIu64
         ", \"wrong\": %" PRIu64 ", \"seconds\": %.6f, \"p50_us\": %.1f, \"p99_us\": %.1f"
         ", \"max_us\": %.1f, \"client_cpu_s\": %.6f}\n",
         run->count, run->failed, healthy, run->deliveries, run->lost, run->reordered, run->wrong,
         seconds, histogram_quantile(&run->latencies, 0.5),
         histogram_quantile(&run->latencies, 0.99), (double)run->latencies.largest / 1000,
         cpu_seconds() - cpu);
  free(run->sent_at);
  free(run->writer_said);
  free(run->watches_said);
  free(run->seen);
  free(run);
}
