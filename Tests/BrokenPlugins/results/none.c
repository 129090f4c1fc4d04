#include "../broken.h"

static const bridge_output output = {.size = sizeof output, .type = BRIDGE_TYPE_INTEGER};

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  // It declares a result, and forgets it.
  return BRIDGE_OK;
}
TOOL(broken, .run = broken, .output = &output);

PLUGIN(&broken_tool)
