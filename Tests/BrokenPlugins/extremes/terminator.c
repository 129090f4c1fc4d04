#include "../broken.h"

static const bridge_parameter name = {
    .size = sizeof name, .name = BRIDGE_STR("name"), .type = BRIDGE_TYPE_STRING};
static const bridge_parameter *const parameters[] = {&name};

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  // A text has a length and no zero at its end.
  bridge_value value = {.type = BRIDGE_TYPE_NULL};
  if (host->call->parameter(call, TEXT("name"), &value) != BRIDGE_OK) return answer(call, 0);
  char room[100000];
  memcpy(room, value.as.text.data, value.as.text.length);
  return answer(call, room[0]);
}
TOOL(broken, .run = broken, .parameters = parameters, .parameter_count = 1);

PLUGIN(&broken_tool)
