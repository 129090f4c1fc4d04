#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  // Without retain nobody can complete it.
  return BRIDGE_PENDING;
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
