#include "../broken.h"

#include <alloca.h>

static const bridge_parameter data = {
    .size = sizeof data, .name = BRIDGE_STR("data"), .type = BRIDGE_TYPE_BYTES};
static const bridge_parameter *const parameters[] = {&data};

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  // An argument of megabytes does not fit on the stack.
  bridge_value value = {.type = BRIDGE_TYPE_NULL};
  if (host->call->parameter(call, TEXT("data"), &value) != BRIDGE_OK) return answer(call, 0);
  char *copy = alloca(value.as.text.length + 1);
  if (value.as.text.length > 0) memcpy(copy, value.as.text.data, value.as.text.length);
  copy[value.as.text.length] = 0;
  return answer(call, copy[0]);
}
TOOL(broken, .run = broken, .parameters = parameters, .parameter_count = 1);

PLUGIN(&broken_tool)
