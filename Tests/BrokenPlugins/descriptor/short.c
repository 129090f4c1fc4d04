#include "../broken.h"

static const bridge_tool *const tools[] = {&fine_tool};
// It is shorter than the first version.
static const bridge_plugin plugin = {.size = 16,
                                     .abi_version = BRIDGE_ABI_VERSION,
                                     .name = BRIDGE_STR("broken"),
                                     .tools = tools,
                                     .tool_count = 1};

ENTRY(&plugin)
