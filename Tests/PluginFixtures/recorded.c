// Tools whose calls are recorded, and builds of them that do something else.
//
// One of these definitions makes such a build: OTHER_RESULT, ROUNDED_RESULT, OTHER_WRITE, OTHER_ORDER, MORE_READS,
// OTHER_CHUNKS, OTHER_PROGRESS, FEWER_TOOLS, CRASH, REFUSE.
#include "fixture.h"

#include <stdlib.h>

#define TOOL_FUNCTION(name) static bridge_status name(void *c, bridge_call *call, bridge_variables *v)

static bridge_value number(double number) {
  bridge_value value;
  memset(&value, 0, sizeof value);
  value.type = BRIDGE_TYPE_FLOAT;
  value.as.number = number;
  return value;
}

static bridge_status read_number(bridge_variables *v, const char *name, double *number) {
  bridge_snapshot *snapshot = NULL;
  const bridge_status status = host->variables->get(v, view(name), 0, &snapshot);
  if (status != BRIDGE_OK) return status;
  bridge_variable variable;
  memset(&variable, 0, sizeof variable);
  variable.size = sizeof variable;
  host->variables->read(snapshot, &variable);
  *number = variable.value.as.number;
  host->variables->release(snapshot);
  return BRIDGE_OK;
}

static bridge_status write_number(bridge_variables *v, const char *name, double new) {
  bridge_write write;
  memset(&write, 0, sizeof write);
  write.size = sizeof write;
  write.identifier = view(name);
  write.value = number(new);
  return host->variables->set(v, &write, NULL);
}

// Multiplies two variables, notes the product in a third, and answers it.
TOOL_FUNCTION(multiply) {
  (void)c;
#ifdef CRASH
  abort();
#endif
#ifdef REFUSE
  return BRIDGE_INVALID_ARGUMENT;
#endif
  double a = 0, b = 0;
#ifdef OTHER_ORDER
  const char *first = "b", *second = "a";
#else
  const char *first = "a", *second = "b";
#endif
  bridge_status status = read_number(v, first, &a);
  if (status == BRIDGE_OK) status = read_number(v, second, &b);
#ifdef MORE_READS
  if (status == BRIDGE_OK) status = read_number(v, "a", &a);
#endif
  if (status != BRIDGE_OK) return status;
  double product = a * b;
#ifdef OTHER_WRITE
  status = write_number(v, "product", product + 1);
#else
  status = write_number(v, "product", product);
#endif
  if (status != BRIDGE_OK) return status;
#ifdef OTHER_RESULT
  product += 1;
#endif
#ifdef ROUNDED_RESULT
  product *= 1 + 1e-12;
#endif
  const bridge_value answer = number(product);
  return host->call->result(call, &answer);
}

// Counts to three.
TOOL_FUNCTION(count) {
  (void)c, (void)v;
#ifdef OTHER_CHUNKS
  const int last = 4;
#else
  const int last = 3;
#endif
  for (int step = 1; step <= last; step++) {
#ifdef OTHER_PROGRESS
    host->call->progress(call, step / 3.0, view("counts on"));
#else
    host->call->progress(call, step / 3.0, view("counts"));
#endif
    const bridge_value chunk = number(step);
    while (host->call->emit(call, &chunk) == BRIDGE_FULL) host->call->wait_for_room(call);
  }
  return answer(call, 3);
}

// Has another tool multiply, and answers what that did.
TOOL_FUNCTION(ask) {
  (void)c, (void)v;
  bridge_request request;
  memset(&request, 0, sizeof request);
  request.size = sizeof request;
  request.tool = view("multiply");
  bridge_invocation *invocation;
  bridge_status status = host->tools->invoke(call, &request, &invocation);
  if (status != BRIDGE_OK) return status;
  bridge_outcome outcome;
  memset(&outcome, 0, sizeof outcome);
  outcome.size = sizeof outcome;
  status = host->tools->outcome(invocation, &outcome);
  if (status != BRIDGE_OK) return status;
  const bridge_value value = number(outcome.value.as.number);
  return host->call->result(call, &value);
}

// Doubles a variable, if the call succeeds as a whole.
TOOL_FUNCTION(double_it) {
  (void)c;
  double a = 0;
  bridge_status status = read_number(v, "a", &a);
#ifdef OTHER_WRITE
  if (status == BRIDGE_OK) status = write_number(v, "a", 3 * a);
#else
  if (status == BRIDGE_OK) status = write_number(v, "a", 2 * a);
#endif
  if (status == BRIDGE_OK) status = read_number(v, "a", &a);
  if (status != BRIDGE_OK) return status;
  const bridge_value answer = number(a);
  return host->call->result(call, &answer);
}

// Answers how long a secret is.
TOOL_FUNCTION(log_in) {
  (void)c, (void)v;
  bridge_value password;
  const bridge_status status = host->call->parameter(call, view("password"), &password);
  if (status != BRIDGE_OK) return status;
  return answer(call, (int64_t)password.as.text.length);
}

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *given, const bridge_plugin **plugin) {
  static bridge_tool tools[5];
  static const bridge_tool *list[5];
  static bridge_parameter password;
  static const bridge_parameter *const parameters[] = {&password};
  static bridge_plugin self;
  host = given;
  password.size = sizeof password;
  password.name = view("password");
  password.type = BRIDGE_TYPE_STRING;
  password.flags = BRIDGE_PARAMETER_REQUIRED;
  tools[0] = tool_of("multiply", 0, multiply);
  tools[1] = tool_of("count", BRIDGE_TOOL_STREAMS, count);
  tools[2] = tool_of("ask", 0, ask);
  tools[3] = tool_of("double_it", BRIDGE_TOOL_ATOMIC, double_it);
  tools[4] = tool_of("log_in", 0, log_in);
  tools[4].parameters = parameters;
  tools[4].parameter_count = 1;
#ifdef FEWER_TOOLS
  const size_t count = 1;
#else
  const size_t count = 5;
#endif
  for (size_t index = 0; index < count; index++) list[index] = &tools[index];
  self = plugin_of("recorded", list, count);
  *plugin = &self;
  return BRIDGE_OK;
}
