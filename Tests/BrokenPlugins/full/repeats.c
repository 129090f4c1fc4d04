#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  for (int64_t number = 0; number < 5; number++) {
    const bridge_value chunk = {.type = BRIDGE_TYPE_INTEGER, .as.integer = number};
    bridge_status status;
    while ((status = host->call->emit(call, &chunk)) == BRIDGE_FULL) {
      if ((status = host->call->wait_for_room(call)) != BRIDGE_OK) return status;
      // It begins again, though the chunks before were taken.
      number = 0;
    }
    if (status != BRIDGE_OK) return status;
  }
  return answer(call, 5);
}
TOOL(broken, .run = broken, .flags = BRIDGE_TOOL_STREAMS);

PLUGIN(&broken_tool)
