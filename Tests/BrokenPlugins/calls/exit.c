#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  exit(1);
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
