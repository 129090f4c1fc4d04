#include "../broken.h"

static const bridge_tool *const tools[] = {&fine_tool};
// A text is not UTF-8.
static const bridge_plugin plugin = {.size = sizeof plugin,
                                     .abi_version = BRIDGE_ABI_VERSION,
                                     .name = BRIDGE_STR("broken"),
                                     .tools = tools,
                                     .tool_count = 1,
                                     .description = BRIDGE_STR("caf\xE9")};

ENTRY(&plugin)
