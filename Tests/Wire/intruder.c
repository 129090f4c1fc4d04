// A plugin that uses what belongs to the whole process: its output, its working directory, its signals.
#include <bridge_plugin.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const bridge_host *host;

__attribute__((constructor)) static void print(void) {
  printf("loading without a line feed...");
  fflush(stdout);
}

static bridge_status done(bridge_call *call) {
  bridge_value text = {BRIDGE_TYPE_STRING, 0, {.text = BRIDGE_STR("done")}};
  return host->call->result(call, &text);
}

static bridge_status leave_directory(void *context, bridge_call *call, const bridge_variables *v) {
  (void)context, (void)v;
  return chdir("/") == 0 ? done(call) : BRIDGE_INTERNAL;
}

static bridge_status give_sigpipe_back(void *context, bridge_call *call, const bridge_variables *v) {
  (void)context, (void)v;
  signal(SIGPIPE, SIG_DFL);
  return done(call);
}

// More than any pipe holds.
static bridge_status print_much(void *context, bridge_call *call, const bridge_variables *v) {
  (void)context, (void)v;
  static char text[4096];
  for (size_t i = 0; i < sizeof text; i++) text[i] = 'x';
  for (int i = 0; i < 512; i++) {
    if (write(1, text, sizeof text) < 0 || write(2, text, sizeof text) < 0) continue;
  }
  return done(call);
}

static bridge_status exit_here(void *context, bridge_call *call, const bridge_variables *v) {
  (void)context, (void)call, (void)v;
  exit(3);
}

static void *end(void *context) {
  (void)context;
  exit(3);
}

static bridge_status exit_elsewhere(void *context, bridge_call *call, const bridge_variables *v) {
  (void)context, (void)v;
  pthread_t thread;
  return pthread_create(&thread, 0, end, 0) == 0 ? done(call) : BRIDGE_INTERNAL;
}

#define TOOL(function)                                                                  \
  static const bridge_tool function##_tool = {.size = sizeof(bridge_tool),              \
                                              .name = BRIDGE_STR(#function),            \
                                              .description = BRIDGE_STR("Intrudes."),   \
                                              .threading = BRIDGE_PARALLEL,             \
                                              .run_read_only = function};
TOOL(leave_directory)
TOOL(give_sigpipe_back)
TOOL(print_much)
TOOL(exit_here)
TOOL(exit_elsewhere)

static const bridge_tool *const tools[] = {&leave_directory_tool, &give_sigpipe_back_tool,
                                           &print_much_tool, &exit_here_tool, &exit_elsewhere_tool};
static const bridge_plugin plugin = {.size = sizeof plugin,
                                     .abi_version = BRIDGE_ABI_VERSION,
                                     .name = BRIDGE_STR("intruder"),
                                     .version = BRIDGE_STR("1"),
                                     .tools = tools,
                                     .tool_count = 5};

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *h, const bridge_plugin **p) {
  host = h;
  *p = &plugin;
  return BRIDGE_OK;
}
