#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  const bridge_status status = host->call->sleep(call, 1000);
  if (status != BRIDGE_OK) return status;
  return answer(call, 1);
}
TOOL(broken, .run = broken, .flags = BRIDGE_TOOL_QUICK);

PLUGIN(&broken_tool)
