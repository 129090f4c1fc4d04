// A plugin of which tests make one build after the other.
//
// BUILD      the number that its tools answer
// PREFIX     of its tools' names
// HOLD       a file: `hold` waits until it is there
// CRASHES    it crashes when it is loaded
// REFUSES    it refuses to be loaded
// HANGS      a file: loading it waits until that is there
// STOPS      a file that is made when it is told to stop
// UNLOADABLE its code can go
// PADDING    bytes that make the file larger
#define _GNU_SOURCE
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef BUILD
#define BUILD 1
#endif
#ifndef PREFIX
#define PREFIX ""
#endif
#ifndef HOLD
#define HOLD "/nonexistent"
#endif
#ifdef PADDING
__attribute__((used)) static const char padding[PADDING] = "padding";
#endif

#define TOOL_FUNCTION(name) static bridge_status name(void *c, bridge_call *call, bridge_variables *v)

TOOL_FUNCTION(build) {
  (void)c, (void)v;
  return answer(call, BUILD);
}

TOOL_FUNCTION(process) {
  (void)c, (void)v;
  return answer(call, getpid());
}

TOOL_FUNCTION(hold) {
  (void)c, (void)v;
  while (access(HOLD, F_OK) != 0) {
    const bridge_status status = host->call->sleep(call, 5000000);
    if (status != BRIDGE_OK) return status;
  }
  return answer(call, BUILD);
}

// Emits its build number until HOLD is there.
TOOL_FUNCTION(ticks) {
  (void)c, (void)v;
  bridge_value value;
  memset(&value, 0, sizeof value);
  value.type = BRIDGE_TYPE_INTEGER;
  value.as.integer = BUILD;
  do {
    const bridge_status status = host->call->emit(call, &value);
    if (status == BRIDGE_FULL) host->call->wait_for_room(call);
    if (host->call->sleep(call, 5000000) != BRIDGE_OK) break;
  } while (access(HOLD, F_OK) != 0);
  return answer(call, BUILD);
}

TOOL_FUNCTION(crash) {
  (void)c, (void)v, (void)call;
  *(volatile int *)0x20 = 1;
  return BRIDGE_OK;
}

static bridge_status stop(void) {
#ifdef STOPS
  close(open(STOPS, O_CREAT | O_WRONLY, 0600));
#endif
  return BRIDGE_OK;
}

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *given,
                                               const bridge_plugin **plugin) {
  host = given;
#ifdef CRASHES
  *(volatile int *)0x30 = 1;
#endif
#ifdef HANGS
  while (access(HANGS, F_OK) != 0) usleep(5000);
#endif
#ifdef REFUSES
  host->refuse(host, view("this build refuses"));
  return BRIDGE_FAILED_PRECONDITION;
#endif
  static bridge_tool tools[5];
  static const bridge_tool *list[5] = {&tools[0], &tools[1], &tools[2], &tools[3], &tools[4]};
  static bridge_plugin self;
  tools[0] = tool_of(PREFIX "build", 0, build);
  tools[1] = tool_of(PREFIX "process", 0, process);
  tools[2] = tool_of(PREFIX "hold", 0, hold);
  tools[3] = tool_of(PREFIX "ticks", BRIDGE_TOOL_STREAMS, ticks);
  tools[4] = tool_of(PREFIX "crash", 0, crash);
  self = plugin_of(PREFIX "generations", list, 5);
  self.deinit = stop;
#ifdef UNLOADABLE
  self.flags = BRIDGE_PLUGIN_UNLOADABLE;
#endif
  *plugin = &self;
  return BRIDGE_OK;
}
