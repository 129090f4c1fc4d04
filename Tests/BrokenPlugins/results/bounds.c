#include "../broken.h"

static const bridge_output output = {.size = sizeof output, .type = BRIDGE_TYPE_INTEGER, .constraints = BRIDGE_STR("{\"max\": 10}")};

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  return answer(call, 12);
}
TOOL(broken, .run = broken, .output = &output);

PLUGIN(&broken_tool)
