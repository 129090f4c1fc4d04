#include "../broken.h"
static const bridge_tool *const tools[] = {&fine_tool};
static const bridge_plugin plugin = {.size = sizeof plugin,
                                     .abi_version = BRIDGE_ABI_VERSION,
                                     .name = BRIDGE_STR("broken"),
                                     .tools = tools,
                                     .tool_count = 1};

// BRIDGE_EXPORT is missing, and the compiler hides what is not exported.
bridge_status bridge_plugin_entry(const bridge_host *h, const bridge_plugin **answer);
bridge_status bridge_plugin_entry(const bridge_host *h, const bridge_plugin **answer) {
  host = h;
  *answer = &plugin;
  return BRIDGE_OK;
}
