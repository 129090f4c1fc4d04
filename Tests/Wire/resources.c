// Tools that take more of the host than others: long answers, and children.
#include <bridge_plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const bridge_host *host;

static bridge_status answer(bridge_call *call, const char *text, size_t length) {
  bridge_value value = {BRIDGE_TYPE_STRING, 0, {.text = {text, length}}};
  return host->call->result(call, &value);
}

static bridge_status large(void *context, bridge_call *call, const bridge_variables *v) {
  (void)context, (void)v;
  size_t length = 4u << 20;
  char *text = malloc(length);
  if (!text) return BRIDGE_INTERNAL;
  memset(text, 'x', length);
  bridge_status status = answer(call, text, length);
  free(text);
  return status;
}

// The descriptors that a child gets: those of a shell, which opens none itself.
static bridge_status inherited(void *context, bridge_call *call, const bridge_variables *v) {
  (void)context, (void)v;
  char text[256];
  FILE *child = popen("ls /proc/$$/fd; true", "r");
  if (!child) return BRIDGE_INTERNAL;
  size_t length = fread(text, 1, sizeof text, child);
  pclose(child);
  return answer(call, text, length);
}

#define TOOL(function) \
  {.size = sizeof(bridge_tool), .name = BRIDGE_STR(#function), .threading = BRIDGE_PARALLEL, \
   .description = BRIDGE_STR("A tool of a test."), .run_read_only = function}
static const bridge_tool descriptions[] = {TOOL(large), TOOL(inherited)};
static const bridge_tool *const tools[] = {&descriptions[0], &descriptions[1]};
static const bridge_plugin plugin = {
    .size = sizeof plugin, .abi_version = BRIDGE_ABI_VERSION, .name = BRIDGE_STR("resources"),
    .version = BRIDGE_STR("1"), .tools = tools, .tool_count = 2};

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *h, const bridge_plugin **p) {
  host = h;
  *p = &plugin;
  return BRIDGE_OK;
}
