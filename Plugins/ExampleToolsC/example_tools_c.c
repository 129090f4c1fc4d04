// A plugin in C: four tools, one idea each, and three plain functions for a native manifest.
//
//     cc -std=c11 -shared -fPIC -fvisibility=hidden example_tools_c.c -o libExampleToolsC.so

#include "example_tools_c.h"

#include <bridge_plugin.h>
#include <string.h>

// The host's tables, for all tools. Set once by the entry function, before any tool runs.
static const bridge_host *host;

// Ends a call with a reason. `return fail(...)` is how a tool gives up.
static bridge_status fail(bridge_call *call, bridge_status code, const char *message) {
  const bridge_error error = {
      .size = sizeof error, .code = code, .message = {message, strlen(message)}};
  host->call->fail(call, &error);
  return code;
}

// Ends a call with the reason the host gave for a function that failed on this thread.
static bridge_status fail_as_host(bridge_call *call, bridge_status code) {
  bridge_error error = {.size = sizeof error};
  if (host->call->last_error(call, &error) == BRIDGE_OK) host->call->fail(call, &error);
  return code;
}

static bridge_status answer_integer(bridge_call *call, int64_t number) {
  const bridge_value value = {.type = BRIDGE_TYPE_INTEGER, .as.integer = number};
  return host->call->result(call, &value);
}

// Reads a parameter of a type. The host checks calls, so only a broken host gets this wrong.
static bridge_status parameter(const bridge_call *call, bridge_str name, bridge_type type,
                               bridge_value *value) {
  *value = (bridge_value){.type = BRIDGE_TYPE_NULL};
  const bridge_status status = host->call->parameter(call, name, value);
  if (status != BRIDGE_OK) return status;
  return value->type == type ? BRIDGE_OK : BRIDGE_INTERNAL;
}

// --- c_hello: a parameter in, a text out.

static bridge_status hello(void *context, bridge_call *call, const bridge_variables *variables) {
  (void)context, (void)variables;
  bridge_value name;
  const bridge_status status =
      parameter(call, (bridge_str)BRIDGE_STR("name"), BRIDGE_TYPE_STRING, &name);
  if (status != BRIDGE_OK) return fail(call, status, "cannot read the parameter name");

  char text[256];
  const size_t room = sizeof text - strlen("Hello, !");
  if (name.as.text.length > room) {
    return fail(call, BRIDGE_INVALID_ARGUMENT, "name is longer than 248 bytes");
  }
  size_t length = 0;
  memcpy(text, "Hello, ", 7);
  length += 7;
  if (name.as.text.length > 0) memcpy(text + length, name.as.text.data, name.as.text.length);
  length += name.as.text.length;
  text[length++] = '!';
  const bridge_value greeting = {.type = BRIDGE_TYPE_STRING, .as.text = {text, length}};
  return host->call->result(call, &greeting);
}

// --- c_dot: vectors are pointers to numbers, of whatever element type the caller sent.

static double number_at(const bridge_numbers *numbers, size_t index) {
  switch (numbers->element) {
  case BRIDGE_FLOAT64: return ((const double *)numbers->data)[index];
  case BRIDGE_FLOAT32: return (double)((const float *)numbers->data)[index];
  case BRIDGE_INT64: return (double)((const int64_t *)numbers->data)[index];
  case BRIDGE_INT32: return (double)((const int32_t *)numbers->data)[index];
  case BRIDGE_INT16: return (double)((const int16_t *)numbers->data)[index];
  case BRIDGE_INT8: return (double)((const int8_t *)numbers->data)[index];
  case BRIDGE_UINT64: return (double)((const uint64_t *)numbers->data)[index];
  case BRIDGE_UINT32: return (double)((const uint32_t *)numbers->data)[index];
  case BRIDGE_UINT16: return (double)((const uint16_t *)numbers->data)[index];
  default: return (double)((const uint8_t *)numbers->data)[index];
  }
}

static bridge_status dot(void *context, bridge_call *call, const bridge_variables *variables) {
  (void)context, (void)variables;
  bridge_value a, b;
  bridge_status status =
      parameter(call, (bridge_str)BRIDGE_STR("a"), BRIDGE_TYPE_EMBEDDING, &a);
  if (status == BRIDGE_OK) {
    status = parameter(call, (bridge_str)BRIDGE_STR("b"), BRIDGE_TYPE_EMBEDDING, &b);
  }
  if (status != BRIDGE_OK) return fail(call, status, "cannot read the parameters a and b");
  if (a.as.numbers.count != b.as.numbers.count) {
    return fail(call, BRIDGE_INVALID_ARGUMENT, "a and b must have the same number of elements");
  }
  bridge_value product = {.type = BRIDGE_TYPE_FLOAT};
  for (size_t i = 0; i < a.as.numbers.count; i++) {
    product.as.number += number_at(&a.as.numbers, i) * number_at(&b.as.numbers, i);
  }
  return host->call->result(call, &product);
}

// --- c_increment: reads a variable and writes it if nobody else has meanwhile, else starts again.

static bridge_status increment(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context;
  bridge_value name;
  bridge_status status =
      parameter(call, (bridge_str)BRIDGE_STR("variable"), BRIDGE_TYPE_STRING, &name);
  if (status != BRIDGE_OK) return fail(call, status, "cannot read the parameter variable");

  for (;;) {
    bridge_snapshot *snapshot;
    status = host->variables->get(variables, name.as.text, 0, &snapshot);
    if (status != BRIDGE_OK) return fail_as_host(call, status);
    bridge_variable seen = {.size = sizeof seen};
    status = host->variables->read(snapshot, &seen);
    host->variables->release(snapshot); // an integer has no views that need it
    if (status != BRIDGE_OK) return fail_as_host(call, status);
    if (seen.value.type != BRIDGE_TYPE_INTEGER) {
      return fail(call, BRIDGE_INVALID_ARGUMENT, "the variable is not an integer");
    }
    if (seen.value.as.integer == INT64_MAX) {
      return fail(call, BRIDGE_OUT_OF_RANGE, "the variable is at its largest value");
    }
    const bridge_write write = {
        .size = sizeof write,
        .identifier = name.as.text,
        .value = {.type = BRIDGE_TYPE_INTEGER, .as.integer = seen.value.as.integer + 1},
        .expected_version = seen.version};
    status = host->variables->set(variables, &write, NULL);
    if (status == BRIDGE_OK) return answer_integer(call, write.value.as.integer);
    if (status != BRIDGE_ABORTED) return fail_as_host(call, status);
    status = host->call->check(call);
    if (status != BRIDGE_OK) return fail(call, status, "cancelled before the variable was free");
  }
}

// --- c_stream: emits chunks no faster than the client takes them, until it is cancelled.

static bridge_status stream(void *context, bridge_call *call, const bridge_variables *variables) {
  (void)context, (void)variables;
  bridge_value count;
  bridge_status status =
      parameter(call, (bridge_str)BRIDGE_STR("count"), BRIDGE_TYPE_INTEGER, &count);
  if (status != BRIDGE_OK) return fail(call, status, "cannot read the parameter count");

  for (int64_t sent = 0; sent < count.as.integer;) {
    const bridge_value chunk = {.type = BRIDGE_TYPE_INTEGER, .as.integer = sent};
    status = host->call->emit(call, &chunk);
    if (status == BRIDGE_OK) {
      sent++;
      status = host->call->check(call);
    } else if (status == BRIDGE_FULL) {
      status = host->call->wait_for_room(call);
    }
    if (status == BRIDGE_CANCELLED || status == BRIDGE_DEADLINE_EXCEEDED) {
      return fail(call, status, "stopped before all numbers were sent");
    }
    if (status != BRIDGE_OK) return fail_as_host(call, status);
  }
  return answer_integer(call, count.as.integer);
}

// --- What the plugin says of itself. All of it is constant and lives as long as the plugin.

#define PARAMETER(identifier, parameter_name, parameter_type, text, limits)                        \
  static const bridge_parameter identifier = {                                                     \
      .size = sizeof identifier,                                                                   \
      .name = BRIDGE_STR(parameter_name),                                                          \
      .description = BRIDGE_STR(text),                                                             \
      .type = parameter_type,                                                                      \
      .flags = BRIDGE_PARAMETER_REQUIRED,                                                          \
      .constraints = BRIDGE_STR(limits)}

PARAMETER(hello_name, "name", BRIDGE_TYPE_STRING, "Whom to greet.", "");
PARAMETER(dot_a, "a", BRIDGE_TYPE_EMBEDDING, "The first vector.", "");
PARAMETER(dot_b, "b", BRIDGE_TYPE_EMBEDDING, "The second vector, as long as the first.", "");
PARAMETER(increment_variable, "variable", BRIDGE_TYPE_STRING, "The variable's name.", "");
PARAMETER(stream_count, "count", BRIDGE_TYPE_INTEGER, "How many numbers.",
          "{\"min\":0,\"max\":10000000}");

static const bridge_parameter *const hello_parameters[] = {&hello_name};
static const bridge_parameter *const dot_parameters[] = {&dot_a, &dot_b};
static const bridge_parameter *const increment_parameters[] = {&increment_variable};
static const bridge_parameter *const stream_parameters[] = {&stream_count};

static const bridge_tool hello_tool = {
    .size = sizeof hello_tool,
    .name = BRIDGE_STR("c_hello"),
    .description = BRIDGE_STR("Greets somebody by name."),
    .flags = BRIDGE_TOOL_IDEMPOTENT,
    .threading = BRIDGE_PARALLEL,
    .parameters = hello_parameters,
    .parameter_count = 1,
    .run_read_only = hello};

static const bridge_tool dot_tool = {
    .size = sizeof dot_tool,
    .name = BRIDGE_STR("c_dot"),
    .description = BRIDGE_STR("Answers the dot product of two vectors of the same length."),
    .flags = BRIDGE_TOOL_IDEMPOTENT,
    .threading = BRIDGE_PARALLEL,
    .parameters = dot_parameters,
    .parameter_count = 2,
    .run_read_only = dot};

static const bridge_tool increment_tool = {
    .size = sizeof increment_tool,
    .name = BRIDGE_STR("c_increment"),
    .description = BRIDGE_STR("Adds 1 to an integer variable of the session, losing no other "
                              "writer's change. Answers the new value."),
    .threading = BRIDGE_PARALLEL,
    .parameters = increment_parameters,
    .parameter_count = 1,
    .run = increment};

static const bridge_tool stream_tool = {
    .size = sizeof stream_tool,
    .name = BRIDGE_STR("c_stream"),
    .description = BRIDGE_STR("Streams the numbers from 0 up, `count` of them, as fast as the "
                              "client takes them. Answers how many it sent."),
    .flags = BRIDGE_TOOL_STREAMS,
    .threading = BRIDGE_PARALLEL,
    .parameters = stream_parameters,
    .parameter_count = 1,
    .run_read_only = stream};

static const bridge_tool *const tools[] = {&hello_tool, &dot_tool, &increment_tool, &stream_tool};

static const bridge_plugin plugin = {
    .size = sizeof plugin,
    .abi_version = BRIDGE_ABI_VERSION,
    .flags = BRIDGE_PLUGIN_UNLOADABLE, // no threads, no exit handlers: it may be unmapped
    .name = BRIDGE_STR("example-c"),
    .version = BRIDGE_STR("1.0"),
    .description = BRIDGE_STR("Small tools that show how to write tools in C, one idea each."),
    .tools = tools,
    .tool_count = sizeof tools / sizeof tools[0]};

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *from,
                                                const bridge_plugin **to) {
  if (from->abi_minimum > BRIDGE_ABI_VERSION || from->abi_maximum < BRIDGE_ABI_VERSION) {
    from->refuse(from, (bridge_str)BRIDGE_STR("the plugin speaks version 1 of the ABI only"));
    return BRIDGE_FAILED_PRECONDITION;
  }
  host = from;
  *to = &plugin;
  return BRIDGE_OK;
}

// --- Plain functions, for the native manifest.

BRIDGE_EXPORT double example_mean(const double *values, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += values[i];
  return count == 0 ? 0 : sum / (double)count;
}

BRIDGE_EXPORT void example_scale(double *values, size_t count, double factor) {
  for (size_t i = 0; i < count; i++) values[i] *= factor;
}

BRIDGE_EXPORT int32_t example_clamp(int32_t value, int32_t low, int32_t high) {
  if (value < low) return low;
  return value > high ? high : value;
}
