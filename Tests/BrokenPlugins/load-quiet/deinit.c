#include "../broken.h"

#include <stdio.h>

static bridge_status end(void) {
  fprintf(stderr, "good bye\n");
  return BRIDGE_OK;
}

static const bridge_tool *const tools[] = {&fine_tool};
PLUGIN_WITH(tools, .deinit = end)
