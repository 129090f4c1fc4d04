#include "../broken.h"

static const bridge_tool *const tools[] = {&fine_tool};
// It uses what comes after all that hosts know.
static const bridge_plugin plugin = {.size = sizeof plugin + 2,
                                     .abi_version = BRIDGE_ABI_VERSION,
                                     .name = BRIDGE_STR("broken"),
                                     .tools = tools,
                                     .tool_count = 1};

ENTRY(&plugin)
