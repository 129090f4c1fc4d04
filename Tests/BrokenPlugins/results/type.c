#include "../broken.h"

static const bridge_output output = {.size = sizeof output, .type = BRIDGE_TYPE_INTEGER};

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  const bridge_value value = {.type = BRIDGE_TYPE_STRING, .as = {.text = BRIDGE_STR("one")}};
  return host->call->result(call, &value);
}
TOOL(broken, .run = broken, .output = &output);

PLUGIN(&broken_tool)
