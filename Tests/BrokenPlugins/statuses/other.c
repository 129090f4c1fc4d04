#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  (void)failure(call, BRIDGE_NOT_FOUND, "there is no such thing");
  return BRIDGE_ABORTED;
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
