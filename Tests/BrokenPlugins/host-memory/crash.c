#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  bridge_snapshot *snapshot;
  const bridge_status status = host->variables->get(variables, TEXT("an_integer"), 0, &snapshot);
  // It thinks that it knows what can go wrong.
  if (status == BRIDGE_RESOURCE_EXHAUSTED) abort();
  if (status != BRIDGE_OK) return failure(call, status, "an_integer cannot be read");
  host->variables->release(snapshot);
  return answer(call, 1);
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
