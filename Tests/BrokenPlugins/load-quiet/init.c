#include "../broken.h"

#include <stdio.h>

static bridge_status begin(const bridge_host *h, bridge_str configuration) {
  (void)h, (void)configuration;
  printf("ready\n");
  return BRIDGE_OK;
}

static const bridge_tool *const tools[] = {&fine_tool};
PLUGIN_WITH(tools, .init = begin)
