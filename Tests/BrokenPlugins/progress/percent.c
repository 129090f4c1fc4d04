#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  // The whole is 1, not 100.
  bridge_status status;
  if ((status = host->call->progress(call, 0.5, TEXT(""))) != BRIDGE_OK) return status;
  if ((status = host->call->progress(call, 100.0, TEXT(""))) != BRIDGE_OK) return status;
  return answer(call, 1);
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
