#include "../broken.h"

#include <unistd.h>

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  usleep(3000);
  return answer(call, 1);
}
TOOL(broken, .run = broken, .flags = BRIDGE_TOOL_QUICK);

PLUGIN(&broken_tool)
