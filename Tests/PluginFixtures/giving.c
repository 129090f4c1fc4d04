// Tools that give their results away, and count what comes back.
#include "fixture.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_int given, back;

static void give_back(void *memory) {
  free(memory);
  back++;
}

static bridge_status give(bridge_call *call, bridge_type type, const char *text) {
  char *memory = strdup(text);
  bridge_value value;
  memset(&value, 0, sizeof value);
  value.type = type;
  value.as.text.data = memory;
  value.as.text.length = strlen(memory);
  given++;
  return host->call->give_result(call, &value, give_back, memory);
}

static bridge_status numbers(bridge_call *call, bridge_type type, uint32_t rank, const uint64_t *shape,
                             size_t count) {
  // The numbers and, behind them, where they are: whoever copies them shows another place.
  double *memory = malloc((count + 1) * sizeof *memory);
  for (size_t i = 0; i < count; i++) memory[i] = (double)i;
  bridge_value value;
  memset(&value, 0, sizeof value);
  value.type = type;
  value.as.numbers.data = memory;
  value.as.numbers.count = count;
  value.as.numbers.element = BRIDGE_FLOAT64;
  value.as.numbers.rank = rank;
  value.as.numbers.shape = shape;
  if (count > 0) memory[0] = (double)(uintptr_t)memory;
  given++;
  return host->call->give_result(call, &value, give_back, memory);
}

// What `count` says is given.
static bridge_status run(void *c, bridge_call *call, bridge_variables *v) {
  (void)c, (void)v;
  bridge_value kind;
  if (host->call->parameter(call, view("kind"), &kind) != BRIDGE_OK) return BRIDGE_INTERNAL;
  static const uint64_t shape[] = {3, 1000};
  switch (kind.as.integer) {
  case 0: return give(call, BRIDGE_TYPE_BYTES, "some bytes");
  case 1: return give(call, BRIDGE_TYPE_OBJECT, "{\"a\":[1,2,3]}");
  case 2: return give(call, BRIDGE_TYPE_ANY, "\"text\"");
  case 3: return numbers(call, BRIDGE_TYPE_EMBEDDING, 1, NULL, 3000);
  case 4: return numbers(call, BRIDGE_TYPE_TENSOR, 2, shape, 3000);
  case 5: return give(call, BRIDGE_TYPE_STRING, "a string");
  case 6: return give(call, BRIDGE_TYPE_ARRAY, "\"[1,2]\""); // wrapped in a string, as some clients do
  // Refused, and given back all the same.
  case 10: return give(call, BRIDGE_TYPE_OBJECT, "[1]");
  case 11: return give(call, BRIDGE_TYPE_OBJECT, "{");
  case 12: return numbers(call, BRIDGE_TYPE_EMBEDDING, 2, shape, 3000);
  case 13: return give(call, BRIDGE_TYPE_STRING, "\xff");
  case 14: return give(call, 99, "x");
  // Given after the end of the call.
  case 15: {
    bridge_token *token;
    bridge_status status = host->call->retain(call, &token);
    if (status != BRIDGE_OK) return status;
    host->call->complete(token, BRIDGE_OK);
    if (give(call, BRIDGE_TYPE_BYTES, "late") != BRIDGE_FAILED_PRECONDITION) abort();
    return BRIDGE_PENDING;
  }
  // The last one counts.
  case 16:
    give(call, BRIDGE_TYPE_BYTES, "first");
    give(call, BRIDGE_TYPE_BYTES, "second");
    return give(call, BRIDGE_TYPE_BYTES, "third");
  // Failed and cancelled calls have no result.
  case 17: give(call, BRIDGE_TYPE_BYTES, "for nothing"); return BRIDGE_DATA_LOSS;
  case 18:
    give(call, BRIDGE_TYPE_BYTES, "for nothing");
    host->call->progress(call, 0, view("ready"));
    return host->call->sleep(call, INT64_MAX);
  default: return BRIDGE_INVALID_ARGUMENT;
  }
}

// Takes another tool's result, and answers the place that it shows, if it is still there.
static bridge_status pass_on(void *c, bridge_call *call, bridge_variables *v) {
  (void)c, (void)v;
  bridge_argument argument;
  memset(&argument, 0, sizeof argument);
  argument.name = view("kind");
  argument.value.type = BRIDGE_TYPE_INTEGER;
  argument.value.as.integer = 4;
  bridge_request request;
  memset(&request, 0, sizeof request);
  request.size = sizeof request;
  request.tool = view("give");
  request.arguments = &argument;
  request.argument_count = 1;
  bridge_invocation *invocation;
  bridge_status status = host->tools->invoke(call, &request, &invocation);
  if (status != BRIDGE_OK) return status;
  bridge_outcome outcome;
  memset(&outcome, 0, sizeof outcome);
  outcome.size = sizeof outcome;
  status = host->tools->outcome(invocation, &outcome);
  if (status != BRIDGE_OK) return status;
  const bridge_numbers *numbers = &outcome.value.as.numbers;
  const double *data = numbers->data;
  return answer(call, outcome.value.type == BRIDGE_TYPE_TENSOR && numbers->rank == 2 &&
                          numbers->shape[1] == 1000 && numbers->count == 3000 &&
                          data[0] == (double)(uintptr_t)data && data[2999] == 2999);
}

static bridge_status outstanding(void *c, bridge_call *call, bridge_variables *v) {
  (void)c, (void)v;
  return answer(call, given - back);
}

static bridge_parameter kind;
static const bridge_parameter *const parameters[] = {&kind};
static bridge_tool all[3];
static const bridge_tool *tools[3];
static bridge_plugin plugin;

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *h, const bridge_plugin **p) {
  host = h;
  kind.size = sizeof kind;
  kind.name = view("kind");
  kind.type = BRIDGE_TYPE_INTEGER;
  kind.flags = BRIDGE_PARAMETER_REQUIRED;
  all[0] = tool_of("give", 0, run);
  all[0].parameters = parameters;
  all[0].parameter_count = 1;
  all[1] = tool_of("pass_on", 0, pass_on);
  all[2] = tool_of("outstanding", 0, outstanding);
  for (int i = 0; i < 3; i++) tools[i] = &all[i];
  plugin = plugin_of("giving", tools, 3);
  *p = &plugin;
  return BRIDGE_OK;
}
