#include "../broken.h"

static const bridge_tool *const tools[] = {&fine_tool};
// There is no such flag.
static const bridge_plugin plugin = {.size = sizeof plugin,
                                     .abi_version = BRIDGE_ABI_VERSION,
                                     .name = BRIDGE_STR("broken"),
                                     .tools = tools,
                                     .tool_count = 1,
                                     .flags = 1u << 30};

ENTRY(&plugin)
