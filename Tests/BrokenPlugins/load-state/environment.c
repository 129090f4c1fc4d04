// cc: -D_GNU_SOURCE
#include "../broken.h"

static bridge_status begin(const bridge_host *h, bridge_str configuration) {
  (void)h, (void)configuration;
  setenv("BROKEN_HOME", "/tmp", 1);
  return BRIDGE_OK;
}

static const bridge_tool *const tools[] = {&fine_tool};
PLUGIN_WITH(tools, .init = begin)
