#include "../broken.h"

static const bridge_value seven = {.type = BRIDGE_TYPE_INTEGER, .as.integer = 7};
// The default is against the constraints.
static const bridge_parameter parameter = {
    .size = sizeof parameter, .name = BRIDGE_STR("number"), .type = BRIDGE_TYPE_INTEGER, .constraints = BRIDGE_STR("{\"max\": 1}"), .default_value = &seven};
static const bridge_parameter *const parameters[] = {&parameter};
TOOL(wrong, .run_read_only = fine, .parameters = parameters, .parameter_count = 1);

PLUGIN(&wrong_tool)
