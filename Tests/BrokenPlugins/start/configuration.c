#include "../broken.h"

static bridge_status begin(const bridge_host *h, bridge_str configuration) {
  (void)h, (void)configuration;
  // The schema takes an empty object, and this does not.
  if (configuration.length < 3) {
    h->refuse(h, TEXT("model is missing"));
    return BRIDGE_INVALID_ARGUMENT;
  }
  return BRIDGE_OK;
}

static const bridge_tool *const tools[] = {&fine_tool};
PLUGIN_WITH(tools, .init = begin, .configuration_schema = BRIDGE_STR("{\"type\": \"object\"}"))
