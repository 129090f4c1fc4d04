#include "../broken.h"

static const bridge_tool *const tools[] = {&fine_tool};
static const bridge_plugin plugin = {.size = sizeof plugin,
                                     .abi_version = BRIDGE_ABI_VERSION,
                                     .name = BRIDGE_STR("broken"),
                                     .version = BRIDGE_STR("1.0"),
                                     .tools = tools,
                                     .tool_count = 1};

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *h, const bridge_plugin **p) {
  host = h;
  // A host of another version is no reason to end the process.
  if (h->abi_maximum != BRIDGE_ABI_VERSION) abort();
  *p = &plugin;
  return BRIDGE_OK;
}
