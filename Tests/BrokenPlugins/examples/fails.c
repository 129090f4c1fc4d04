#include "../broken.h"

// The example is no city that the tool knows.
static const bridge_parameter city = {
    .size = sizeof city,
    .name = BRIDGE_STR("city"),
    .type = BRIDGE_TYPE_ANY,
    .schema = BRIDGE_STR("{\"type\": \"string\", \"examples\": [\"Atlantis\"]}")};
static const bridge_parameter *const parameters[] = {&city};

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  bridge_value value = {.type = BRIDGE_TYPE_NULL};
  if (host->call->parameter(call, TEXT("city"), &value) != BRIDGE_OK) return answer(call, 0);
  return failure(call, BRIDGE_NOT_FOUND, "there is no such city");
}
TOOL(broken, .run = broken, .parameters = parameters, .parameter_count = 1);

PLUGIN(&broken_tool)
