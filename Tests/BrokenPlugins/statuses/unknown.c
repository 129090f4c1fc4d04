#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  (void)failure(call, BRIDGE_ABORTED, "it went wrong");
  return 77;
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
