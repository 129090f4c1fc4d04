#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  for (int64_t number = 0; number < 5; number++) {
    const bridge_value chunk = {.type = BRIDGE_TYPE_INTEGER, .as.integer = number};
    const bridge_status status = host->call->emit(call, &chunk);
    if (status == BRIDGE_FULL) return failure(call, BRIDGE_UNAVAILABLE, "the client is slow");
    if (status != BRIDGE_OK) return status;
  }
  return answer(call, 5);
}
TOOL(broken, .run = broken, .flags = BRIDGE_TOOL_STREAMS);

PLUGIN(&broken_tool)
