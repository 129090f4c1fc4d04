#include "../broken.h"

static const bridge_tool *const tools[] = {&fine_tool};
// Its size is not set.
static const bridge_plugin plugin = {.size = 0,
                                     .abi_version = BRIDGE_ABI_VERSION,
                                     .name = BRIDGE_STR("broken"),
                                     .tools = tools,
                                     .tool_count = 1};

ENTRY(&plugin)
