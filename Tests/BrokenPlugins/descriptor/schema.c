#include "../broken.h"

// A schema that no value can be held to.
static const bridge_parameter parameter = {
    .size = sizeof parameter, .name = BRIDGE_STR("number"), .type = BRIDGE_TYPE_OBJECT, .schema = BRIDGE_STR("{\"type\": \"thing\"}")};
static const bridge_parameter *const parameters[] = {&parameter};
TOOL(wrong, .run_read_only = fine, .parameters = parameters, .parameter_count = 1);

PLUGIN(&wrong_tool)
