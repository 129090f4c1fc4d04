#include "../broken.h"

// The example lacks what the schema wants.
static const bridge_parameter point = {
    .size = sizeof point,
    .name = BRIDGE_STR("point"),
    .type = BRIDGE_TYPE_OBJECT,
    .schema = BRIDGE_STR("{\"required\": [\"x\"], \"properties\": {\"x\": {\"type\": \"number\"}},"
                         " \"examples\": [{\"y\": 1}]}")};
static const bridge_parameter *const parameters[] = {&point};

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  return answer(call, 1);
}
TOOL(broken, .run = broken, .parameters = parameters, .parameter_count = 1);

PLUGIN(&broken_tool)
