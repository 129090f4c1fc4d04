// The plugin my-plugin: one tool that changes a variable, and one that streams.

#include <bridge_plugin.h>
#include <string.h>

// The host's functions. Set once, before any tool runs.
static const bridge_host *host;

// --- What the tools share.

// Ends a call with a reason: `return fail(...)`.
static bridge_status fail(bridge_call *call, bridge_status code, const char *reason) {
  const bridge_error error = {
      .size = sizeof error, .code = code, .message = {reason, strlen(reason)}};
  host->call->fail(call, &error);
  return code;
}

// Ends a call with the reason that the host gave for a function that has just failed.
static bridge_status fail_as_host(bridge_call *call, bridge_status code) {
  bridge_error error = {.size = sizeof error};
  if (host->call->last_error(call, &error) == BRIDGE_OK) host->call->fail(call, &error);
  return code;
}

// Reads a parameter. The host has checked that it is there and of the type that is declared below.
static bridge_value parameter(const bridge_call *call, bridge_str name) {
  bridge_value value = {.type = BRIDGE_TYPE_NULL};
  host->call->parameter(call, name, &value);
  return value;
}

#define PARAMETER(call, name) parameter(call, (bridge_str)BRIDGE_STR(name))

// --- my_plugin_add: reads a variable, and writes it unless somebody else has meanwhile.

static bridge_status add(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context;
  const bridge_str name = PARAMETER(call, "variable").as.text;
  const double amount = PARAMETER(call, "amount").as.number;

  for (;;) {
    bridge_snapshot *snapshot;
    bridge_status status = host->variables->get(variables, name, 0, &snapshot);
    if (status != BRIDGE_OK) return fail_as_host(call, status);
    bridge_variable seen = {.size = sizeof seen};
    status = host->variables->read(snapshot, &seen);
    host->variables->release(snapshot); // a number is no view: it stays
    if (status != BRIDGE_OK) return fail_as_host(call, status);
    if (seen.value.type != BRIDGE_TYPE_FLOAT) {
      return fail(call, BRIDGE_INVALID_ARGUMENT, "the variable is not a float");
    }
    const bridge_write write = {
        .size = sizeof write,
        .identifier = name,
        .value = {.type = BRIDGE_TYPE_FLOAT, .as.number = seen.value.as.number + amount},
        .expected_version = seen.version};
    status = host->variables->set(variables, &write, NULL);
    if (status == BRIDGE_OK) return host->call->result(call, &write.value);
    if (status != BRIDGE_ABORTED) return fail_as_host(call, status);
    status = host->call->check(call); // somebody else was quicker: once more, unless cancelled
    if (status != BRIDGE_OK) return fail(call, status, "ended before the variable was free");
  }
}

// --- my_plugin_count: streams numbers as fast as the client takes them, until it is cancelled.

static bridge_status count(void *context, bridge_call *call, const bridge_variables *variables) {
  (void)context, (void)variables;
  const int64_t to = PARAMETER(call, "to").as.integer;

  for (int64_t number = 1; number <= to;) {
    const bridge_value chunk = {.type = BRIDGE_TYPE_INTEGER, .as.integer = number};
    bridge_status status = host->call->emit(call, &chunk);
    if (status == BRIDGE_OK) {
      status = host->call->progress(call, (double)number / (double)to, (bridge_str){0});
      number++;
    } else if (status == BRIDGE_FULL) {
      status = host->call->wait_for_room(call);
    } else if (status == BRIDGE_FAILED_PRECONDITION) {
      break; // nobody streams from this call: the result is all that is wanted
    }
    if (status == BRIDGE_CANCELLED || status == BRIDGE_DEADLINE_EXCEEDED) {
      return fail(call, status, "ended before all numbers were sent");
    }
    if (status != BRIDGE_OK) return fail_as_host(call, status);
  }
  const bridge_value result = {.type = BRIDGE_TYPE_INTEGER, .as.integer = to};
  return host->call->result(call, &result);
}

// --- What the plugin says of itself: constant, and there for as long as the plugin.

static const bridge_value one = {.type = BRIDGE_TYPE_FLOAT, .as.number = 1};
static const bridge_value three = {.type = BRIDGE_TYPE_INTEGER, .as.integer = 3};

static const bridge_parameter add_variable = {
    .size = sizeof add_variable,
    .flags = BRIDGE_PARAMETER_REQUIRED,
    .name = BRIDGE_STR("variable"),
    .description = BRIDGE_STR("The name of a float variable."),
    .type = BRIDGE_TYPE_STRING};
static const bridge_parameter add_amount = {
    .size = sizeof add_amount,
    .name = BRIDGE_STR("amount"),
    .description = BRIDGE_STR("What to add to it."),
    .type = BRIDGE_TYPE_FLOAT,
    .default_value = &one};
static const bridge_parameter *const add_parameters[] = {&add_variable, &add_amount};
static const bridge_output add_output = {
    .size = sizeof add_output,
    .type = BRIDGE_TYPE_FLOAT,
    .description = BRIDGE_STR("The new value.")};
static const bridge_tool add_tool = {
    .size = sizeof add_tool,
    .name = BRIDGE_STR("my_plugin_add"),
    .description = BRIDGE_STR("Adds a number to a variable of the session."),
    .threading = BRIDGE_PARALLEL,
    .parameters = add_parameters,
    .parameter_count = sizeof add_parameters / sizeof add_parameters[0],
    .output = &add_output,
    .run = add};

static const bridge_parameter count_to = {
    .size = sizeof count_to,
    .name = BRIDGE_STR("to"),
    .description = BRIDGE_STR("The last number."),
    .type = BRIDGE_TYPE_INTEGER,
    .default_value = &three,
    .constraints = BRIDGE_STR("{\"min\": 0, \"max\": 100000, \"examples\": [1, 10]}")};
static const bridge_parameter *const count_parameters[] = {&count_to};
static const bridge_output count_output = {
    .size = sizeof count_output,
    .type = BRIDGE_TYPE_INTEGER,
    .description = BRIDGE_STR("How many numbers there were.")};
static const bridge_tool count_tool = {
    .size = sizeof count_tool,
    .flags = BRIDGE_TOOL_STREAMS | BRIDGE_TOOL_IDEMPOTENT,
    .name = BRIDGE_STR("my_plugin_count"),
    .description = BRIDGE_STR("Streams the numbers from 1 up."),
    .threading = BRIDGE_PARALLEL,
    .parameters = count_parameters,
    .parameter_count = sizeof count_parameters / sizeof count_parameters[0],
    .output = &count_output,
    .run_read_only = count};

static const bridge_tool *const tools[] = {&add_tool, &count_tool};
static const bridge_plugin plugin = {
    .size = sizeof plugin,
    .abi_version = BRIDGE_ABI_VERSION,
    .flags = BRIDGE_PLUGIN_UNLOADABLE, // no threads, no exit handlers: leave it out if you add some
    .name = BRIDGE_STR("my-plugin"),
    .version = BRIDGE_STR("0.1.0"),
    .description = BRIDGE_STR("What my-plugin is for."),
    .tools = tools,
    .tool_count = sizeof tools / sizeof tools[0]};

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *from,
                                                const bridge_plugin **answer) {
  if (from->abi_minimum > BRIDGE_ABI_VERSION || from->abi_maximum < BRIDGE_ABI_VERSION) {
    from->refuse(from, (bridge_str)BRIDGE_STR("my-plugin speaks version 1 of the plugin ABI"));
    return BRIDGE_FAILED_PRECONDITION;
  }
  host = from;
  *answer = &plugin;
  return BRIDGE_OK;
}
