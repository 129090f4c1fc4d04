#include "../broken.h"

#include <fcntl.h>

static bridge_status begin(const bridge_host *h, bridge_str configuration) {
  (void)h, (void)configuration;
  return open("/dev/zero", O_RDONLY) >= 0 ? BRIDGE_OK : BRIDGE_INTERNAL;
}

static const bridge_tool *const tools[] = {&fine_tool};
PLUGIN_WITH(tools, .init = begin)
