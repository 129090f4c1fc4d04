// options: --timeout 10
#include "../broken.h"

#include <unistd.h>

static bridge_status end(void) {
  for (;;) pause();
  return BRIDGE_OK;
}

static const bridge_tool *const tools[] = {&fine_tool};
PLUGIN_WITH(tools, .deinit = end)
