// What the files of the test plugin share.
#ifndef TEST_PLUGIN_TOOLS_H
#define TEST_PLUGIN_TOOLS_H

#include <bridge_plugin.h>
#include <string.h>

extern const bridge_host *host;

// The parameter `count`.
extern const bridge_parameter *const count_parameters[];

static inline bridge_str view(const char *text) { return (bridge_str){text, strlen(text)}; }

static inline bridge_value integer(int64_t number) {
  return (bridge_value){.type = BRIDGE_TYPE_INTEGER, .as.integer = number};
}

static inline bridge_status answer(bridge_call *call, int64_t number) {
  bridge_value result = integer(number);
  return host->call->result(call, &result);
}

static inline bridge_status set(bridge_variables *variables, const char *name, bridge_value value) {
  bridge_write write = {.size = sizeof write, .identifier = view(name), .value = value};
  return host->variables->set(variables, &write, NULL);
}

// Watches one variable, or all where `name` is NULL.
static inline bridge_status watch(const bridge_variables *variables, const char *name, int initial,
                                  bridge_on_change on_change, void *context, bridge_watch **watch) {
  bridge_str identifier = view(name ? name : "");
  bridge_subscription subscription = {
      .size = sizeof subscription, .flags = initial ? BRIDGE_WATCH_INITIAL : 0,
      .identifiers = &identifier, .identifier_count = name ? 1 : 0,
      .on_change = on_change, .context = context};
  return host->variables->watch(variables, &subscription, watch);
}

// Retains a call, and completes it a little later on another thread: what its function is to answer.
bridge_status complete_elsewhere(bridge_call *call);

// Tells the test that the tool runs, and may be cancelled.
static inline void tell_ready(bridge_call *call) { host->call->progress(call, 0, view("ready")); }

// Describes the tool test_ID, which `run_ID` runs. `linkage` is `static` or nothing.
#define TOOL(linkage, id, function, ...)                                                           \
  linkage const bridge_tool tool_##id = {                                                          \
      .size = sizeof(bridge_tool), .name = BRIDGE_STR("test_" #id),                                \
      .description = BRIDGE_STR("A test tool."), .threading = BRIDGE_PARALLEL,                     \
      .function = run_##id, __VA_ARGS__};

extern const bridge_tool tool_poll, tool_complete_on_cancel, tool_race, tool_listen_late,
    tool_forget, tool_violations;
extern const bridge_tool tool_atomic;
extern const bridge_tool tool_ring, tool_chain, tool_complete_across, tool_cancel_across;

#endif
