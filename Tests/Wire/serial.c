// A serial tool that tells how many calls of it there were.
#include <bridge_plugin.h>
#include <time.h>

static const bridge_host *host;
static int64_t count;

static bridge_status next(void *context, bridge_call *call, const bridge_variables *v) {
  (void)context, (void)v;
  nanosleep(&(struct timespec){.tv_nsec = 2000000}, 0);
  bridge_value value = {BRIDGE_TYPE_INTEGER, 0, {.integer = ++count}};
  return host->call->result(call, &value);
}

static const bridge_tool description = {
    .size = sizeof(bridge_tool), .name = BRIDGE_STR("next"), .threading = BRIDGE_SERIAL,
    .description = BRIDGE_STR("A tool of a test."), .run_read_only = next};
static const bridge_tool *const tools[] = {&description};
static const bridge_plugin plugin = {
    .size = sizeof plugin, .abi_version = BRIDGE_ABI_VERSION, .name = BRIDGE_STR("serial"),
    .version = BRIDGE_STR("1"), .tools = tools, .tool_count = 1};

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *h, const bridge_plugin **p) {
  host = h;
  *p = &plugin;
  return BRIDGE_OK;
}
