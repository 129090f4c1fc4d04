#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  const bridge_value value = {.type = BRIDGE_TYPE_INTEGER, .as.integer = 1};
  (void)host->call->result(call, &value);
  return BRIDGE_OK;
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
