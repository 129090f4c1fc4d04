#include "../broken.h"

static const bridge_tool *const tools[] = {&fine_tool};
// A field that is kept for later is used.
static const bridge_plugin plugin = {.size = sizeof plugin,
                                     .abi_version = BRIDGE_ABI_VERSION,
                                     .name = BRIDGE_STR("broken"),
                                     .tools = tools,
                                     .tool_count = 1,
                                     .reserved = 7};

ENTRY(&plugin)
