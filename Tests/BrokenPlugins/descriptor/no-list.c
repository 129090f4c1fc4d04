#include "../broken.h"

// The list is NULL, and its count is not 0.
static const bridge_plugin plugin = {.size = sizeof plugin,
                                     .abi_version = BRIDGE_ABI_VERSION,
                                     .name = BRIDGE_STR("broken"),
                                     .tools = NULL,
                                     .tool_count = 1};

ENTRY(&plugin)
