#include "../broken.h"

// Looks now and then: each time would be a host call of its own.
static int is_wanted(bridge_call *call) {
  static unsigned calls;
  return ++calls % 1000 || host->call->check(call) == BRIDGE_OK;
}

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  for (int64_t number = 0; number < 5; number++) {
    const bridge_value chunk = {.type = BRIDGE_TYPE_INTEGER, .as.integer = number};
    bridge_status status;
    // Until there is room, and as fast as it can.
    do {
      status = host->call->emit(call, &chunk);
      if (host->call->remaining == NULL) return BRIDGE_INTERNAL;
    } while (status == BRIDGE_FULL && is_wanted(call));
    if (status == BRIDGE_FULL) return host->call->check(call);
    if (status != BRIDGE_OK) return status;
  }
  return answer(call, 5);
}
TOOL(broken, .run = broken, .flags = BRIDGE_TOOL_STREAMS);

PLUGIN(&broken_tool)
