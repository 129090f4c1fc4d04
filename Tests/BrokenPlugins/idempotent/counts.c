#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  static int64_t calls;
  return answer(call, ++calls);
}
TOOL(broken, .run = broken, .flags = BRIDGE_TOOL_IDEMPOTENT | 0);

PLUGIN(&broken_tool)
