#include "../broken.h"

static const bridge_tool *const tools[] = {&fine_tool};
// A name has no spaces.
static const bridge_plugin plugin = {.size = sizeof plugin,
                                     .abi_version = BRIDGE_ABI_VERSION,
                                     .name = BRIDGE_STR("my plugin"),
                                     .tools = tools,
                                     .tool_count = 1};

ENTRY(&plugin)
