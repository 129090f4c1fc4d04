#include "../broken.h"

#include <sys/stat.h>

static bridge_status begin(const bridge_host *h, bridge_str configuration) {
  (void)h, (void)configuration;
  umask(0);
  return BRIDGE_OK;
}

static const bridge_tool *const tools[] = {&fine_tool};
PLUGIN_WITH(tools, .init = begin)
