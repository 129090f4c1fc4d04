// Tools that take next to no time, and tools that take long or wait, for what calls do to each other.
#define _GNU_SOURCE
#include "fixture.h"

#include <stdlib.h>
#include <unistd.h>

#define TOOL_FUNCTION(name) static bridge_status name(void *c, bridge_call *call, bridge_variables *v)
#define UNUSED (void)c, (void)call, (void)v

static int lingers;
static int is_let_go;
static int crashes;

// Takes next to no time, but for the one call after `arm`, which waits for `let_go`.
TOOL_FUNCTION(quick) {
  UNUSED;
  if (!__atomic_exchange_n(&lingers, 0, __ATOMIC_ACQ_REL)) return answer(call, 1);
  while (!__atomic_exchange_n(&is_let_go, 0, __ATOMIC_ACQ_REL)) usleep(1000);
  return answer(call, 2);
}

TOOL_FUNCTION(let_go) {
  UNUSED;
  __atomic_store_n(&is_let_go, 1, __ATOMIC_RELEASE);
  return answer(call, 1);
}

TOOL_FUNCTION(arm) {
  UNUSED;
  __atomic_store_n(&lingers, 1, __ATOMIC_RELEASE);
  return answer(call, 1);
}

TOOL_FUNCTION(slow) {
  UNUSED;
  usleep(5000);
  return answer(call, 1);
}

// Asks the host for a variable.
TOOL_FUNCTION(ask) {
  (void)c;
  bridge_snapshot *snapshot = NULL;
  const bridge_status status = host->variables->get(v, view("counter"), 0, &snapshot);
  if (status != BRIDGE_OK) return status;
  host->variables->release(snapshot);
  return answer(call, 1);
}

// Counts its calls, and crashes in the last of a hundred.
TOOL_FUNCTION(crash_at_last) {
  UNUSED;
  if (__atomic_add_fetch(&crashes, 1, __ATOMIC_ACQ_REL) == 100) abort();
  return answer(call, 1);
}

static const struct {
  const char *name;
  bridge_status (*run)(void *, bridge_call *, bridge_variables *);
} functions[] = {
    {"quick", quick}, {"arm", arm}, {"let_go", let_go}, {"slow", slow}, {"ask", ask}, {"crash_at_last", crash_at_last},
};
enum { function_count = sizeof functions / sizeof *functions };

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *given,
                                               const bridge_plugin **plugin) {
  static bridge_tool tools[function_count];
  static const bridge_tool *list[function_count];
  static bridge_plugin self;
  host = given;
  for (size_t index = 0; index < function_count; index++) {
    tools[index] = tool_of(functions[index].name, 0, functions[index].run);
    list[index] = &tools[index];
  }
  self = plugin_of("mixed", list, function_count);
  *plugin = &self;
  return BRIDGE_OK;
}
