#include "../broken.h"

static char description[] = "Does things.";

static bridge_status begin(const bridge_host *h, bridge_str configuration) {
  (void)h, (void)configuration;
  // A host has the pointers to its texts for as long as it is loaded.
  memset(description, 'x', sizeof description - 1);
  return BRIDGE_OK;
}

static const bridge_tool *const tools[] = {&fine_tool};
PLUGIN_WITH(tools, .init = begin, .description = {description, sizeof description - 1})
