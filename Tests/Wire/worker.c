// Tools for the tests of a worker of Snakepit's.
#include <bridge_plugin.h>
#include <errno.h>
#include <time.h>

static const bridge_host *host;

static bridge_status parameter(bridge_call *call, const char *name, size_t length,
                               bridge_value *value) {
  return host->call->parameter(call, (bridge_str){name, length}, value);
}
#define PARAMETER(call, name, value) parameter(call, name, sizeof name - 1, value)

static bridge_status nothing(void *context, bridge_call *call, const bridge_variables *v) {
  (void)context, (void)call, (void)v;
  return BRIDGE_OK;
}

static bridge_status blob(void *context, bridge_call *call, const bridge_variables *v) {
  (void)context, (void)v;
  bridge_value value = {BRIDGE_TYPE_BYTES, 0, {.text = BRIDGE_STR("\x00\xff\x80")}};
  return host->call->result(call, &value);
}

static bridge_status reveal(void *context, bridge_call *call, const bridge_variables *v) {
  (void)context, (void)v;
  bridge_value value;
  bridge_status status = PARAMETER(call, "value", &value);
  return status == BRIDGE_OK ? host->call->result(call, &value) : status;
}

// Does not look at the call while it sleeps.
static bridge_status deaf(void *context, bridge_call *call, const bridge_variables *v) {
  (void)context, (void)v;
  bridge_value value;
  bridge_status status = PARAMETER(call, "milliseconds", &value);
  if (status != BRIDGE_OK) return status;
  struct timespec rest = {.tv_sec = value.as.integer / 1000,
                          .tv_nsec = value.as.integer % 1000 * 1000000};
  while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
    continue;
  return host->call->result(call, &value);
}

static bridge_status refuses(void *context, bridge_call *call, const bridge_variables *v) {
  (void)context, (void)v;
  bridge_error error = {.size = sizeof error,
                        .code = BRIDGE_FAILED_PRECONDITION,
                        .message = BRIDGE_STR("the oven is \"cold\""),
                        .type = BRIDGE_STR("ColdError")};
  host->call->fail(call, &error);
  return BRIDGE_FAILED_PRECONDITION;
}

static bridge_status chunks(void *context, bridge_call *call, const bridge_variables *v) {
  (void)context, (void)v;
  bridge_value values[] = {{BRIDGE_TYPE_ANY, 0, {.text = BRIDGE_STR("{\"n\":1}")}},
                           {BRIDGE_TYPE_NULL, 0, {.integer = 0}},
                           {BRIDGE_TYPE_BYTES, 0, {.text = BRIDGE_STR("\xff")}}};
  for (int i = 0; i < 3; i++) {
    bridge_status status;
    while ((status = host->call->emit(call, &values[i])) == BRIDGE_RESOURCE_EXHAUSTED)
      if ((status = host->call->wait_for_room(call)) != BRIDGE_OK) break;
    if (status != BRIDGE_OK) return status;
  }
  bridge_value value = {BRIDGE_TYPE_STRING, 0, {.text = BRIDGE_STR("done")}};
  return host->call->result(call, &value);
}

// Calls another tool with a number, waits for it, and answers what it has answered.
static bridge_status ask(void *context, bridge_call *call, bridge_variables *v) {
  (void)context, (void)v;
  bridge_value tool, depth;
  bridge_status status = PARAMETER(call, "tool", &tool);
  if (status != BRIDGE_OK) return status;
  if ((status = PARAMETER(call, "depth", &depth)) != BRIDGE_OK) return status;
  bridge_argument argument = {BRIDGE_STR("depth"), depth};
  bridge_request request = {.size = sizeof request,
                            .tool = tool.as.text,
                            .arguments = &argument,
                            .argument_count = 1};
  bridge_invocation *invocation;
  if ((status = host->tools->invoke(call, &request, &invocation)) != BRIDGE_OK) return status;
  bridge_outcome outcome = {.size = sizeof outcome};
  if ((status = host->tools->outcome(invocation, &outcome)) != BRIDGE_OK) return status;
  if (outcome.status == BRIDGE_OK) return host->call->result(call, &outcome.value);
  if (outcome.error) host->call->fail(call, outcome.error);
  return outcome.status;
}

static const bridge_parameter value_parameter = {.size = sizeof(bridge_parameter),
                                                 .flags = BRIDGE_PARAMETER_REQUIRED,
                                                 .name = BRIDGE_STR("value"),
                                                 .type = BRIDGE_TYPE_ANY};
static const bridge_parameter map_parameter = {.size = sizeof(bridge_parameter),
                                               .flags = BRIDGE_PARAMETER_REQUIRED,
                                               .name = BRIDGE_STR("value"),
                                               .type = BRIDGE_TYPE_OBJECT};
static const bridge_parameter list_parameter = {.size = sizeof(bridge_parameter),
                                                .flags = BRIDGE_PARAMETER_REQUIRED,
                                                .name = BRIDGE_STR("value"),
                                                .type = BRIDGE_TYPE_ARRAY};
static const bridge_parameter time_parameter = {.size = sizeof(bridge_parameter),
                                                .flags = BRIDGE_PARAMETER_REQUIRED,
                                                .name = BRIDGE_STR("milliseconds"),
                                                .type = BRIDGE_TYPE_INTEGER};
static const bridge_parameter tool_parameter = {.size = sizeof(bridge_parameter),
                                                .flags = BRIDGE_PARAMETER_REQUIRED,
                                                .name = BRIDGE_STR("tool"),
                                                .type = BRIDGE_TYPE_STRING};
static const bridge_parameter depth_parameter = {.size = sizeof(bridge_parameter),
                                                 .flags = BRIDGE_PARAMETER_REQUIRED,
                                                 .name = BRIDGE_STR("depth"),
                                                 .type = BRIDGE_TYPE_INTEGER};
static const bridge_parameter *const of_value[] = {&value_parameter};
static const bridge_parameter *const of_map[] = {&map_parameter};
static const bridge_parameter *const of_list[] = {&list_parameter};
static const bridge_parameter *const of_time[] = {&time_parameter};
static const bridge_parameter *const of_ask[] = {&tool_parameter, &depth_parameter};

#define TOOL(NAME, FLAGS, PARAMETERS, COUNT, RUN)                                                  \
  {                                                                                                \
    .size = sizeof(bridge_tool), .flags = FLAGS, .name = BRIDGE_STR(NAME),                         \
    .description = BRIDGE_STR("A tool of a test."), .threading = BRIDGE_PARALLEL,                  \
    .parameters = PARAMETERS, .parameter_count = COUNT, RUN                                        \
  }

static const bridge_tool all[] = {
    TOOL("nothing", 0, 0, 0, .run_read_only = nothing),
    TOOL("blob", 0, 0, 0, .run_read_only = blob),
    TOOL("reveal", 0, of_value, 1, .run_read_only = reveal),
    TOOL("reveal_map", 0, of_map, 1, .run_read_only = reveal),
    TOOL("reveal_list", 0, of_list, 1, .run_read_only = reveal),
    TOOL("deaf", 0, of_time, 1, .run_read_only = deaf),
    TOOL("refuses", 0, 0, 0, .run_read_only = refuses),
    TOOL("chunks", BRIDGE_TOOL_STREAMS, 0, 0, .run_read_only = chunks),
    TOOL("ask", 0, of_ask, 2, .run = ask),
};
static const bridge_tool *const tools[] = {&all[0], &all[1], &all[2], &all[3], &all[4],
                                           &all[5], &all[6], &all[7], &all[8]};
static const bridge_plugin plugin = {
    .size = sizeof plugin, .abi_version = BRIDGE_ABI_VERSION, .name = BRIDGE_STR("worker"),
    .version = BRIDGE_STR("1"), .tools = tools, .tool_count = 9};

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *h, const bridge_plugin **p) {
  host = h;
  *p = &plugin;
  return BRIDGE_OK;
}
