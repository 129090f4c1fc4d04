#include "../broken.h"

static const bridge_parameter name = {
    .size = sizeof name, .name = BRIDGE_STR("name"), .type = BRIDGE_TYPE_STRING};
static const bridge_parameter *const parameters[] = {&name};

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  // The parameter may be absent: then there is no text to copy.
  bridge_value value = {.type = BRIDGE_TYPE_NULL};
  (void)host->call->parameter(call, TEXT("name"), &value);
  return answer(call, strlen(value.as.text.data) > 3);
}
TOOL(broken, .run = broken, .parameters = parameters, .parameter_count = 1);

PLUGIN(&broken_tool)
