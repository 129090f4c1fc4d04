#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  const bridge_status status = host->call->check(call);
  if (status == BRIDGE_CANCELLED) return status;
  if (status != BRIDGE_OK) return failure(call, BRIDGE_UNAVAILABLE, "too slow");
  return answer(call, 1);
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
