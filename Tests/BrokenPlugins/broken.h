// What broken plugins have in common, so that each shows its fault and little else.
//
// A folder is called as the test that has to fail, and no other test may. The first lines of a file may say
// more: `// cc:` options of the compiler, `// after:` what is done to the file that was built, `// beside:` what
// NAME.plugin.json holds, `// options:` more options of `validate`, `// with:` a library that is built beside it.
#include <bridge_plugin.h>
#include <stdlib.h>
#include <string.h>

static const bridge_host *host __attribute__((unused));

#define TEXT(literal) ((bridge_str)BRIDGE_STR(literal))

// Declares a tool of a function, with more fields after it.
#define TOOL(function, ...)                                                                        \
  static const bridge_tool function##_tool = {.size = sizeof(bridge_tool),                         \
                                              .name = BRIDGE_STR(#function),                       \
                                              .description = BRIDGE_STR("Does something."),        \
                                              .threading = BRIDGE_PARALLEL,                        \
                                              __VA_ARGS__}

// Defines the entry function: it answers a descriptor.
#define ENTRY(descriptor)                                                                          \
  BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *h,                            \
                                                  const bridge_plugin **answer) {                  \
    host = h;                                                                                      \
    *answer = (descriptor);                                                                        \
    return BRIDGE_OK;                                                                              \
  }

// Defines a plugin of some tools, with more fields of its descriptor after it.
#define PLUGIN_WITH(list, ...)                                                                     \
  static const bridge_plugin plugin = {.size = sizeof plugin,                                      \
                                       .abi_version = BRIDGE_ABI_VERSION,                          \
                                       .name = BRIDGE_STR("broken"),                               \
                                       .version = BRIDGE_STR("1.0"),                               \
                                       .tools = list,                                              \
                                       .tool_count = sizeof(list) / sizeof *(list),                \
                                       __VA_ARGS__};                                               \
  ENTRY(&plugin)

#define PLUGIN(...)                                                                                \
  static const bridge_tool *const all_tools[] = {__VA_ARGS__};                                     \
  PLUGIN_WITH(all_tools, .flags = 0)

// Ends a call with an integer.
static inline bridge_status answer(bridge_call *call, int64_t number) {
  const bridge_value value = {.type = BRIDGE_TYPE_INTEGER, .as.integer = number};
  return host->call->result(call, &value);
}

// Ends a call with a failure that is told.
static inline bridge_status failure(bridge_call *call, bridge_status code, const char *message) {
  const bridge_error error = {
      .size = sizeof error, .code = code, .message = {message, strlen(message)}};
  host->call->fail(call, &error);
  return code;
}

// A tool in which nothing is wrong.
static inline bridge_status fine(void *context, bridge_call *call, const bridge_variables *variables) {
  (void)context, (void)variables;
  return answer(call, 1);
}
TOOL(fine, .run_read_only = fine);
