#include "../broken.h"

static const bridge_parameter number = {
    .size = sizeof number, .name = BRIDGE_STR("number"), .type = BRIDGE_TYPE_INTEGER,
    .flags = BRIDGE_PARAMETER_REQUIRED, .constraints = BRIDGE_STR("{\"min\": 0, \"max\": 1}")};
static const bridge_parameter *const parameters[] = {&number};

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  bridge_value value = {.type = BRIDGE_TYPE_NULL};
  bridge_status status = host->call->parameter(call, TEXT("number"), &value);
  if (status != BRIDGE_OK) return failure(call, status, "there is no number");
  // Whole numbers of a small range: 0 is one of them.
  const volatile int64_t divisor = value.as.integer;
  return answer(call, 100 / divisor);
}
TOOL(broken, .run = broken, .parameters = parameters, .parameter_count = 1);

PLUGIN(&broken_tool)
