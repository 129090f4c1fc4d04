#include "../broken.h"

static const bridge_tool *const tools[] = {&fine_tool};
// No host speaks that version.
static const bridge_plugin plugin = {.size = sizeof plugin,
                                     .abi_version = 9,
                                     .name = BRIDGE_STR("broken"),
                                     .tools = tools,
                                     .tool_count = 1};

ENTRY(&plugin)
