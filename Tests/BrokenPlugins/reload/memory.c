#include "../broken.h"

static bridge_status begin(const bridge_host *h, bridge_str configuration) {
  (void)h, (void)configuration;
  // Nobody frees it.
  char *volatile table = malloc(50000);
  return table ? BRIDGE_OK : BRIDGE_RESOURCE_EXHAUSTED;
}

static const bridge_tool *const tools[] = {&fine_tool};
PLUGIN_WITH(tools, .init = begin, .flags = BRIDGE_PLUGIN_UNLOADABLE)
