#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  // Twice adds two.
  bridge_snapshot *snapshot;
  bridge_status status = host->variables->get(variables, TEXT("an_integer"), 0, &snapshot);
  if (status != BRIDGE_OK) return failure(call, status, "an_integer cannot be read");
  bridge_variable variable = {.size = sizeof variable};
  status = host->variables->read(snapshot, &variable);
  const int64_t number = variable.value.as.integer + 1;
  host->variables->release(snapshot);
  if (status != BRIDGE_OK) return failure(call, status, "an_integer cannot be read");
  const bridge_write write = {.size = sizeof write,
                              .identifier = BRIDGE_STR("an_integer"),
                              .value = {.type = BRIDGE_TYPE_INTEGER, .as.integer = number}};
  status = host->variables->set(variables, &write, NULL);
  if (status != BRIDGE_OK) return failure(call, status, "an_integer cannot be written");
  return answer(call, 1);
}
TOOL(broken, .run = broken, .flags = BRIDGE_TOOL_IDEMPOTENT);

PLUGIN(&broken_tool)
