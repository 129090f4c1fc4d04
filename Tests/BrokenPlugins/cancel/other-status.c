#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  for (int step = 0; step < 3; step++) {
    // It was told why, and says something else.
    if (host->call->check(call) != BRIDGE_OK) return failure(call, BRIDGE_ABORTED, "stopped");
  }
  return answer(call, 1);
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
