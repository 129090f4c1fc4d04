// What the fixtures share: plugins that tests compile, each for one thing that plugins do wrong or seldom.
#ifndef FIXTURE_H
#define FIXTURE_H

#include <bridge_plugin.h>
#include <string.h>

static const bridge_host *host;

static inline bridge_str view(const char *text) {
  bridge_str view = {text, strlen(text)};
  return view;
}

static inline bridge_status answer(bridge_call *call, int64_t number) {
  bridge_value value;
  memset(&value, 0, sizeof value);
  value.type = BRIDGE_TYPE_INTEGER;
  value.as.integer = number;
  return host->call->result(call, &value);
}

// Fills in a description of a tool.
static inline bridge_tool tool_of(const char *name, uint32_t flags,
                                  bridge_status (*run)(void *, bridge_call *, bridge_variables *)) {
  bridge_tool tool;
  memset(&tool, 0, sizeof tool);
  tool.size = sizeof tool;
  tool.name = view(name);
  tool.description = view("A tool of a fixture.");
  tool.threading = BRIDGE_PARALLEL;
  tool.flags = flags;
  tool.run = run;
  return tool;
}

static inline bridge_plugin plugin_of(const char *name, const bridge_tool *const *tools, size_t count) {
  bridge_plugin plugin;
  memset(&plugin, 0, sizeof plugin);
  plugin.size = sizeof plugin;
  plugin.abi_version = BRIDGE_ABI_VERSION;
  plugin.name = view(name);
  plugin.version = view("1");
  plugin.tools = tools;
  plugin.tool_count = count;
  return plugin;
}

#endif
