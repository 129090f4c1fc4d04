#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  bridge_snapshot *snapshot;
  if (host->variables->get(variables, TEXT("an_integer"), 0, &snapshot) == BRIDGE_OK) {
    host->variables->release(snapshot);
    host->variables->release(snapshot);
  }
  return answer(call, 1);
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
