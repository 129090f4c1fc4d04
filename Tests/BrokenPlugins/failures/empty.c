#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  return failure(call, BRIDGE_ABORTED, "");
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
