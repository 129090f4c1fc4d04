// Tools whose declarations have patterns that take long to search for.
#include <bridge_plugin.h>

static const bridge_host *host;

// Takes the square of a text of "a"s, which it accepts with "ok" at its end.
#define PATTERN "\"pattern\": \"(?<=a)a*[bc]|ok$\""

static bridge_status echo(void *context, bridge_call *call, const bridge_variables *v) {
  (void)context, (void)v;
  bridge_value value = {BRIDGE_TYPE_NULL};
  bridge_status status = host->call->parameter(call, (bridge_str)BRIDGE_STR("value"), &value);
  return status == BRIDGE_OK ? host->call->result(call, &value) : status;
}

#define PARAMETER(kind, ...) \
  {.size = sizeof(bridge_parameter), .flags = BRIDGE_PARAMETER_REQUIRED, \
   .name = BRIDGE_STR("value"), .description = BRIDGE_STR("What comes back."), .type = kind, \
   __VA_ARGS__}
static const bridge_parameter texts[] = {
    PARAMETER(BRIDGE_TYPE_STRING, .constraints = BRIDGE_STR("{" PATTERN "}")),
    PARAMETER(BRIDGE_TYPE_ARRAY, .schema = BRIDGE_STR("{\"contains\": {" PATTERN "}}")),
    PARAMETER(BRIDGE_TYPE_STRING, .reserved = 0)};
static const bridge_parameter *const text[] = {&texts[0]}, *const list[] = {&texts[1]},
                                          *const plain[] = {&texts[2]};
static const bridge_output output = {
    .size = sizeof output, .type = BRIDGE_TYPE_STRING,
    .description = BRIDGE_STR("The value."), .constraints = BRIDGE_STR("{" PATTERN "}")};

#define TOOL(tool, takes, answers) \
  {.size = sizeof(bridge_tool), .flags = BRIDGE_TOOL_QUICK, .name = BRIDGE_STR(tool), \
   .description = BRIDGE_STR("A tool of a test."), .threading = BRIDGE_PARALLEL, \
   .parameters = takes, .parameter_count = 1, .output = answers, .run_read_only = echo}
static const bridge_tool descriptions[] = {
    TOOL("takes_text", text, 0), TOOL("takes_list", list, 0), TOOL("answers_text", plain, &output)};
static const bridge_tool *const tools[] = {&descriptions[0], &descriptions[1], &descriptions[2]};
static const bridge_plugin plugin = {
    .size = sizeof plugin, .abi_version = BRIDGE_ABI_VERSION, .name = BRIDGE_STR("patterns"),
    .version = BRIDGE_STR("1"), .tools = tools, .tool_count = 3};

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *h, const bridge_plugin **p) {
  host = h;
  *p = &plugin;
  return BRIDGE_OK;
}
