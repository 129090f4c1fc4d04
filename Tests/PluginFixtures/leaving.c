// A plugin that can be unmapped, and tells a file what becomes of it.
//
//     -DNAME: of the plugin and its tools, after a dash
//     -DLOG: the file
//     -DREFUSING: its deinit refuses
//     -DRESIDENT: it does not say that it can go

#include "fixture.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static void tell(const char *text) {
  const int file = open(LOG, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0 || write(file, text, strlen(text)) < 0) abort();
  close(file);
}

static bridge_status start(const bridge_host *h, bridge_str configuration) {
  (void)h, (void)configuration;
  tell("init\n");
  return BRIDGE_OK;
}

static bridge_status stop(void) {
  tell("deinit\n");
#ifdef REFUSING
  return BRIDGE_FAILED_PRECONDITION;
#else
  return BRIDGE_OK;
#endif
}

__attribute__((destructor)) static void unmapped(void) { tell("unmapped\n"); }

static void forget(void *state) {
  free(state);
  tell("state\n");
}

static bridge_status run(void *c, bridge_call *call, bridge_variables *v) {
  (void)c, (void)v;
  void *state = malloc(1);
  if (host->call->keep_state(call, state, forget, NULL) != BRIDGE_OK) free(state);
  return answer(call, 1);
}

static bridge_status wait(void *c, bridge_call *call, bridge_variables *v) {
  (void)c, (void)v;
  host->call->progress(call, 0, view("ready"));
  while (host->call->check(call) == BRIDGE_OK) host->call->sleep(call, 1000000);
  tell("woken\n");
  return answer(call, 2);
}

static void give_back(void *memory) {
  free(memory);
  tell("released\n");
}

static bridge_status give(void *c, bridge_call *call, bridge_variables *v) {
  (void)c, (void)v;
  char *memory = malloc(5);
  memcpy(memory, "[1,2]", 5);
  bridge_value value;
  memset(&value, 0, sizeof value);
  value.type = BRIDGE_TYPE_ARRAY;
  value.as.text.data = memory;
  value.as.text.length = 5;
  return host->call->give_result(call, &value, give_back, memory);
}

static bridge_tool all[3];
static const bridge_tool *tools[3];
static bridge_plugin plugin;

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *h, const bridge_plugin **p) {
  host = h;
  all[0] = tool_of("run_" NAME, 0, run);
  all[1] = tool_of("wait_" NAME, 0, wait);
  all[2] = tool_of("give_" NAME, 0, give);
  for (int i = 0; i < 3; i++) tools[i] = &all[i];
  plugin = plugin_of("leaving-" NAME, tools, 3);
  plugin.init = start;
  plugin.deinit = stop;
#ifndef RESIDENT
  plugin.flags = BRIDGE_PLUGIN_UNLOADABLE;
#endif
  *p = &plugin;
  return BRIDGE_OK;
}
