#include "../broken.h"

// There is no such type.
static const bridge_parameter parameter = {
    .size = sizeof parameter, .name = BRIDGE_STR("number"), .type = 99};
static const bridge_parameter *const parameters[] = {&parameter};
TOOL(wrong, .run_read_only = fine, .parameters = parameters, .parameter_count = 1);

PLUGIN(&wrong_tool)
