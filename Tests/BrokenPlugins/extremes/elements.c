#include "../broken.h"

static const bridge_parameter vector = {
    .size = sizeof vector, .name = BRIDGE_STR("vector"), .type = BRIDGE_TYPE_EMBEDDING};
static const bridge_parameter *const parameters[] = {&vector};

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  // Numbers may be of other types than double.
  bridge_value value = {.type = BRIDGE_TYPE_NULL};
  if (host->call->parameter(call, TEXT("vector"), &value) != BRIDGE_OK) return answer(call, 0);
  if (value.as.numbers.element != BRIDGE_FLOAT64) abort();
  return answer(call, (int64_t)value.as.numbers.count);
}
TOOL(broken, .run = broken, .parameters = parameters, .parameter_count = 1);

PLUGIN(&broken_tool)
