#include "../broken.h"
static const bridge_parameter parameter = {
    .size = sizeof parameter, .name = BRIDGE_STR("number"), .type = BRIDGE_TYPE_INTEGER};
// One parameter is there twice.
static const bridge_parameter *const parameters[] = {&parameter, &parameter};
TOOL(wrong, .run_read_only = fine, .parameters = parameters, .parameter_count = 2);

PLUGIN(&wrong_tool)
