// Tools that take a while: one call of `slow` at a time, and any number of `aside`.
#include <bridge_plugin.h>
#include <time.h>

static const bridge_host *host;

static bridge_status slow(void *context, bridge_call *call, const bridge_variables *v) {
  (void)context, (void)v;
  nanosleep(&(struct timespec){.tv_nsec = 50000000}, 0);
  bridge_value value = {BRIDGE_TYPE_INTEGER, 0, {.integer = 1}};
  return host->call->result(call, &value);
}

static const bridge_tool description = {
    .size = sizeof(bridge_tool), .name = BRIDGE_STR("slow"), .threading = BRIDGE_SERIAL,
    .description = BRIDGE_STR("A tool of a test."), .run_read_only = slow};
static const bridge_tool parallel = {
    .size = sizeof(bridge_tool), .name = BRIDGE_STR("aside"), .threading = BRIDGE_PARALLEL,
    .description = BRIDGE_STR("A tool of a test."), .run_read_only = slow};
static const bridge_tool *const tools[] = {&description, &parallel};
static const bridge_plugin plugin = {
    .size = sizeof plugin, .abi_version = BRIDGE_ABI_VERSION, .name = BRIDGE_STR("slow"),
    .version = BRIDGE_STR("1"), .tools = tools, .tool_count = 2};

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *h, const bridge_plugin **p) {
  host = h;
  *p = &plugin;
  return BRIDGE_OK;
}
