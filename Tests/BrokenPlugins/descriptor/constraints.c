#include "../broken.h"

// Constraints are a JSON object.
static const bridge_parameter parameter = {
    .size = sizeof parameter, .name = BRIDGE_STR("number"), .type = BRIDGE_TYPE_INTEGER, .constraints = BRIDGE_STR("{min: 1}")};
static const bridge_parameter *const parameters[] = {&parameter};
TOOL(wrong, .run_read_only = fine, .parameters = parameters, .parameter_count = 1);

PLUGIN(&wrong_tool)
