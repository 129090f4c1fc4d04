// Unary calls by the thousand, and calls with a given request.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "grpc.h"
#include "histogram.h"
#include "protobuf.h"
#include "values.h"

struct run {
  const struct method *method;
  const char *path;
  uint64_t first, stride, total, count, sessions, offset, version, ttl, messages;
  int status;
  struct buffer request, response;
  uint64_t started, finished, failed, wrong;
  uint64_t deadline;
  // Of a `given` call without an expected response: the last answer.
  bool keeps_answer;
  struct buffer answer;
  // The first thing that was not as expected.
  char complaint[160];
  struct histogram latencies;
};

struct method {
  const char *name;
  const char *path;
  void (*request)(const struct run *run, uint64_t index, struct buffer *out);
  bool (*check)(const struct run *run, uint64_t index, const uint8_t *bytes, size_t length);
};

#define BRIDGE "/snakepit.bridge.BridgeService/"

// ---------------------------------------------------------------------------------------------
// Requests, and what their answers must say

static void session_name(const struct run *run, uint64_t index, char name[32]) {
  snprintf(name, 32, "s%" PRIu64, index % run->sessions);
}

static void variable_name(const struct run *run, uint64_t index, char name[32]) {
  snprintf(name, 32, "v%" PRIu64, index / run->sessions);
}

static void value_text(const struct run *run, uint64_t index, char value[32]) {
  snprintf(value, 32, "%" PRIu64, index + run->offset);
}

static void request_session(const struct run *run, uint64_t index, struct buffer *out) {
  char name[32];
  session_name(run, index, name);
  pb_text(out, 1, name);
}

static void request_initialize(const struct run *run, uint64_t index, struct buffer *out) {
  request_session(run, index, out);
  if (!run->ttl) return;
  struct buffer config = {0};
  pb_number(&config, 100, run->ttl);
  pb_bytes(out, 3, config.bytes, config.length);
  buffer_free(&config);
}

static void request_variable(const struct run *run, uint64_t index, struct buffer *out) {
  char name[32];
  request_session(run, index, out);
  variable_name(run, index, name);
  pb_text(out, 2, name);
}

static void request_register(const struct run *run, uint64_t index, struct buffer *out) {
  char value[32];
  request_variable(run, index, out);
  pb_text(out, 3, "integer");
  value_text(run, index, value);
  put_value(out, 4, "integer", value);
}

static void request_set(const struct run *run, uint64_t index, struct buffer *out) {
  char value[32];
  request_variable(run, index, out);
  value_text(run, index, value);
  put_value(out, 3, "integer", value);
}

static void request_echo(const struct run *run, uint64_t index, struct buffer *out) {
  char text[40];
  request_session(run, index, out);
  pb_text(out, 2, "echo");
  snprintf(text, sizeof text, "\"%" PRIu64 "\"", index + run->offset);
  struct buffer parameter = {0};
  pb_text(&parameter, 1, "text");
  put_value(&parameter, 2, "string", text);
  pb_bytes(out, 3, parameter.bytes, parameter.length);
  buffer_free(&parameter);
}

static void request_given(const struct run *run, uint64_t index, struct buffer *out) {
  (void)index;
  buffer_append(out, run->request.bytes, run->request.length);
}

static bool succeeded(const uint8_t *bytes, size_t length) {
  return pb_find(bytes, length, 1).value == 1;
}

static bool check_success(const struct run *run, uint64_t index, const uint8_t *bytes,
                          size_t length) {
  (void)run, (void)index;
  return succeeded(bytes, length);
}

static bool check_variable(const struct run *run, uint64_t index, struct pb_field variable) {
  char name[32], value[32];
  variable_name(run, index, name);
  value_text(run, index, value);
  return variable.bytes && pb_equals(pb_find(variable.bytes, variable.length, 2), name) &&
         pb_equals(value_of(variable.bytes, variable.length), value) &&
         (!run->version || pb_find(variable.bytes, variable.length, 9).value == run->version);
}

static bool check_register(const struct run *run, uint64_t index, const uint8_t *bytes,
                           size_t length) {
  return succeeded(bytes, length) && check_variable(run, index, pb_find(bytes, length, 100));
}

static bool check_get(const struct run *run, uint64_t index, const uint8_t *bytes,
                      size_t length) {
  return check_variable(run, index, pb_find(bytes, length, 1));
}

static bool check_set(const struct run *run, uint64_t index, const uint8_t *bytes,
                      size_t length) {
  (void)index;
  return succeeded(bytes, length) &&
         (!run->version || pb_find(bytes, length, 3).value == run->version);
}

static bool check_session(const struct run *run, uint64_t index, const uint8_t *bytes,
                          size_t length) {
  char name[32];
  session_name(run, index, name);
  return pb_equals(pb_find(bytes, length, 1), name);
}

static bool check_heartbeat(const struct run *run, uint64_t index, const uint8_t *bytes,
                            size_t length) {
  (void)run, (void)index;
  return pb_find(bytes, length, 2).value == 1;
}

static bool check_echo(const struct run *run, uint64_t index, const uint8_t *bytes,
                       size_t length) {
  char text[40];
  snprintf(text, sizeof text, "\"%" PRIu64 "\"", index + run->offset);
  struct pb_field result = pb_find(bytes, length, 2);
  return succeeded(bytes, length) && result.bytes &&
         pb_equals(pb_find(result.bytes, result.length, 2), text);
}

static bool check_given(const struct run *run, uint64_t index, const uint8_t *bytes,
                        size_t length) {
  (void)index;
  if (run->keeps_answer) return true;
  return length == run->response.length &&
         (length == 0 || !memcmp(bytes, run->response.bytes, length));
}

static const struct method methods[] = {
    {"initialize", BRIDGE "InitializeSession", request_initialize, check_success},
    {"cleanup", BRIDGE "CleanupSession", request_session, check_success},
    {"session", BRIDGE "GetSession", request_session, check_session},
    {"heartbeat", BRIDGE "Heartbeat", request_session, check_heartbeat},
    {"register", BRIDGE "RegisterVariable", request_register, check_register},
    {"get", BRIDGE "GetVariable", request_variable, check_get},
    {"set", BRIDGE "SetVariable", request_set, check_set},
    {"echo", BRIDGE "ExecuteTool", request_echo, check_echo},
    {"given", NULL, request_given, check_given},
};

// ---------------------------------------------------------------------------------------------
// The calls

struct measured_call {
  struct call call;
  struct run *run;
  uint64_t index, start, messages;
  bool is_wrong;
};

static void complain(struct run *run, const char *what, int status, uint64_t index) {
  if (run->complaint[0]) return;
  snprintf(run->complaint, sizeof run->complaint, "%s: status %d, index %" PRIu64, what, status,
           index);
}

static void start_next(struct run *run, struct connection *connection, uint64_t start);

static void on_message(struct call *call, const uint8_t *bytes, size_t length) {
  struct measured_call *self = (struct measured_call *)call;
  self->messages++;
  if (!self->run->method->check(self->run, self->index, bytes, length)) self->is_wrong = true;
  if (self->run->keeps_answer) {
    self->run->answer.length = 0;
    buffer_append(&self->run->answer, bytes, length);
  }
}

static void on_end(struct call *call, int status) {
  struct measured_call *self = (struct measured_call *)call;
  struct run *run = self->run;
  uint64_t now = now_ns();
  histogram_add(&run->latencies, now - self->start);
  if (status != run->status) {
    run->failed++;
    complain(run, "failed", status, self->index);
  } else if (self->is_wrong || self->messages != (status == 0 ? run->messages : 0)) {
    run->wrong++;
    complain(run, "wrong answer", status, self->index);
  }
  run->finished++;
  struct connection *connection = call->connection;
  free(self);
  // With a rate, the clock starts calls.
  if (run->deadline == 0) start_next(run, connection, now);
}

static void start_next(struct run *run, struct connection *connection, uint64_t start) {
  if (run->started == run->count || connection->fd < 0) return;
  struct measured_call *self = calloc(1, sizeof *self);
  self->call.message = on_message;
  self->call.end = on_end;
  self->run = run;
  self->start = start;
  self->index = run->first + run->started++ * run->stride;
  if (run->total) self->index %= run->total;
  struct buffer request = {0};
  run->method->request(run, self->index, &request);
  grpc_start(connection, &self->call, run->path, request.bytes, request.length);
  buffer_free(&request);
}

static struct buffer hex(const char *text) {
  struct buffer bytes = {0};
  for (; text[0] && text[1]; text += 2) {
    char digits[3] = {text[0], text[1], 0};
    uint8_t byte = (uint8_t)strtoul(digits, NULL, 16);
    buffer_append(&bytes, &byte, 1);
  }
  return bytes;
}

static void pace(struct run *run, size_t first, size_t count, uint64_t interval, uint64_t end) {
  uint64_t next = now_ns();
  while (run->finished < run->count) {
    uint64_t now = now_ns();
    if (now > end) return;
    while (run->started < run->count && next <= now) {
      // Measured from when it was due, so that a late start counts as latency.
      start_next(run, connections[first + run->started % count], next);
      next += interval;
    }
    grpc_turn(run->started < run->count && next > now ? next - now : 10000000);
  }
}

void command_calls(const struct arguments *arguments) {
  struct run *run = calloc(1, sizeof *run);
  const char *name = argument_text(arguments, "method", "");
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    if (!strcmp(methods[i].name, name)) run->method = &methods[i];
  }
  if (!run->method) fail("no method %s", name);
  run->path = run->method->path ? run->method->path : argument_text(arguments, "path", "");
  run->first = argument_number(arguments, "first", 0);
  run->stride = argument_number(arguments, "stride", 1);
  run->total = argument_number(arguments, "total", 0);
  run->count = argument_number(arguments, "count", 1);
  run->sessions = argument_number(arguments, "sessions", 1);
  run->offset = argument_number(arguments, "offset", 0);
  run->version = argument_number(arguments, "version", 0);
  run->ttl = argument_number(arguments, "ttl", 0);
  run->messages = argument_number(arguments, "messages", 1);
  run->status = (int)argument_number(arguments, "status", 0);
  run->request = hex(argument_text(arguments, "request", ""));
  run->response = hex(argument_text(arguments, "response", ""));
  run->keeps_answer = !run->method->path && !argument_text(arguments, "response", NULL);
  uint64_t concurrency = argument_number(arguments, "concurrency", 1);
  uint64_t rate = argument_number(arguments, "rate", 0);
  size_t first = argument_number(arguments, "connection", 0);
  size_t count = argument_number(arguments, "connections", connection_count - first);
  if (count == 0 || first + count > connection_count) fail("no such connections");

  double cpu = cpu_seconds();
  uint64_t start = now_ns();
  uint64_t end = start + argument_number(arguments, "seconds", 600) * 1000000000;
  if (rate) {
    run->deadline = end;
    pace(run, first, count, 1000000000 / rate, end);
  } else {
    for (uint64_t i = 0; i < concurrency; i++) {
      start_next(run, connections[first + i % count], now_ns());
    }
    while (run->finished < run->started && now_ns() < end) grpc_turn(100000000);
  }
  double seconds = (double)(now_ns() - start) / 1e9;
  if (run->finished < run->started) fail("calls did not end in time");
  // After a connection broke, what was not started has failed.
  run->failed += run->count - run->finished;
  printf("{\"calls\": %" PRIu64 ", \"failed\": %" PRIu64 ", \"wrong\": %" PRIu64
         ", \"complaint\": \"%s\", \"seconds\": %.6f, \"p50_us\": %.1f, \"p99_us\": %.1f"
         ", \"p999_us\": %.1f, \"max_us\": %.1f, \"client_cpu_s\": %.6f, \"answer\": \"",
         run->count, run->failed, run->wrong, run->complaint, seconds,
         histogram_quantile(&run->latencies, 0.5), histogram_quantile(&run->latencies, 0.99),
         histogram_quantile(&run->latencies, 0.999), (double)run->latencies.largest / 1000,
         cpu_seconds() - cpu);
  for (size_t i = 0; i < run->answer.length; i++) printf("%02x", run->answer.bytes[i]);
  printf("\"}\n");
  buffer_free(&run->request);
  buffer_free(&run->response);
  buffer_free(&run->answer);
  free(run);
}
