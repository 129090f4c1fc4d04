#include "../broken.h"

static const bridge_tool *const tools[] = {&fine_tool, &fine_tool};
// Two tools have one name.
static const bridge_plugin plugin = {.size = sizeof plugin,
                                     .abi_version = BRIDGE_ABI_VERSION,
                                     .name = BRIDGE_STR("broken"),
                                     .tools = tools,
                                     .tool_count = 2};

ENTRY(&plugin)
