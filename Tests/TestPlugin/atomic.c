// A tool whose writes are committed together.
#include "tools.h"

#include <stdatomic.h>

static bridge_status get(const bridge_variables *variables, const char *name, bridge_variable *variable) {
  bridge_snapshot *snapshot;
  bridge_status status = host->variables->get(variables, view(name), 0, &snapshot);
  if (status != BRIDGE_OK) return status;
  *variable = (bridge_variable){.size = sizeof *variable};
  status = host->variables->read(snapshot, variable);
  host->variables->release(snapshot);
  return status;
}

// Counts `counter` up by comparing and setting, creates `made`, removes `old`, and then ends as the
// parameter says: 0 well, 1 with a failure, 2 well but after it was cancelled, 3 well but after `go` was
// made by somebody else, 4 on another thread with its token.
static bridge_status run_atomic(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context;
  bridge_value how;
  bridge_status status = host->call->parameter(call, view("count"), &how);
  if (status != BRIDGE_OK) return status;
  bridge_variable counter;
  if ((status = get(variables, "counter", &counter)) != BRIDGE_OK) return status;
  int32_t version;
  bridge_write write = {.size = sizeof write, .identifier = view("counter"),
                        .value = integer(counter.value.as.integer + 1),
                        .expected_version = counter.version};
  if ((status = host->variables->set(variables, &write, &version)) != BRIDGE_OK) return status;
  if (version != counter.version + 1) return BRIDGE_INTERNAL;
  // The old version is no longer there.
  if (host->variables->set(variables, &write, &version) != BRIDGE_ABORTED) return BRIDGE_INTERNAL;
  bridge_creation creation = {.size = sizeof creation, .name = view("made"),
                              .type = BRIDGE_TYPE_INTEGER, .value = integer(1)};
  if ((status = host->variables->create(variables, &creation)) != BRIDGE_OK) return status;
  if (set(variables, "made", integer(2)) != BRIDGE_OK) return BRIDGE_INTERNAL;
  if ((status = host->variables->remove(variables, view("old"))) != BRIDGE_OK) return status;
  bridge_variable own;
  if (get(variables, "made", &own) != BRIDGE_OK || own.value.as.integer != 2) return BRIDGE_INTERNAL;
  if (get(variables, "old", &own) != BRIDGE_NOT_FOUND) return BRIDGE_INTERNAL;
  bridge_value result = integer(counter.value.as.integer + 1);
  host->call->result(call, &result);
  tell_ready(call);
  switch (how.as.integer) {
  case 1: return BRIDGE_DATA_LOSS;
  case 2:
    while (host->call->check(call) == BRIDGE_OK) host->call->sleep(call, 1000000);
    return BRIDGE_OK;
  case 3:
    while (get(variables, "go", &own) != BRIDGE_OK) host->call->sleep(call, 1000000);
    return BRIDGE_OK;
  case 4: return complete_elsewhere(call);
  default: return BRIDGE_OK;
  }
}

TOOL(, atomic, run, .flags = BRIDGE_TOOL_ATOMIC, .parameters = count_parameters, .parameter_count = 1)
