#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  // A variable that nobody sets is asked for again and again.
  for (;;) {
    const bridge_status status = host->call->check(call);
    if (status != BRIDGE_OK) return status;
    bridge_snapshot *snapshot;
    if (host->variables->get(variables, TEXT("never"), 0, &snapshot) == BRIDGE_OK) {
      bridge_variable variable = {.size = sizeof variable};
      const bridge_status read = host->variables->read(snapshot, &variable);
      const int is_set = read == BRIDGE_OK && variable.value.as.number > 1e9;
      host->variables->release(snapshot);
      if (is_set) return answer(call, 1);
    }
  }
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
