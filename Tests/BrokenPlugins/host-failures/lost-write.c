#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  const bridge_write write = {.size = sizeof write,
                              .identifier = BRIDGE_STR("an_integer"),
                              .value = {.type = BRIDGE_TYPE_INTEGER, .as.integer = 3}};
  // Whether it was written is not looked at.
  (void)host->variables->set(variables, &write, NULL);
  return answer(call, 1);
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
