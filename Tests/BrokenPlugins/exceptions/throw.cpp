// An exception leaves a tool.
#include <bridge_plugin.h>

#include <stdexcept>

static bridge_status broken(void *, bridge_call *, bridge_variables *) {
  throw std::runtime_error("no such row");
}

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *, const bridge_plugin **answer) {
  static bridge_tool tool = {};
  tool.size = sizeof tool;
  tool.name = BRIDGE_STR("broken");
  tool.description = BRIDGE_STR("Does something.");
  tool.threading = BRIDGE_PARALLEL;
  tool.run = broken;
  static const bridge_tool *const tools[] = {&tool};
  static bridge_plugin plugin = {};
  plugin.size = sizeof plugin;
  plugin.abi_version = BRIDGE_ABI_VERSION;
  plugin.name = BRIDGE_STR("broken");
  plugin.version = BRIDGE_STR("1.0");
  plugin.tools = tools;
  plugin.tool_count = 1;
  *answer = &plugin;
  return BRIDGE_OK;
}
