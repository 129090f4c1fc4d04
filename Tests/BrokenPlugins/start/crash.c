#include "../broken.h"

static bridge_status begin(const bridge_host *h, bridge_str configuration) {
  (void)h, (void)configuration;
  return *(volatile bridge_status *)24;
}

static const bridge_tool *const tools[] = {&fine_tool};
PLUGIN_WITH(tools, .init = begin)
