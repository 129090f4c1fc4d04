#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, const bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  // The handle is const, and that is cast away.
  const bridge_write write = {.size = sizeof write,
                              .identifier = BRIDGE_STR("an_integer"),
                              .value = {.type = BRIDGE_TYPE_INTEGER, .as.integer = 3}};
  (void)host->variables->set((bridge_variables *)(uintptr_t)variables, &write, NULL);
  return answer(call, 1);
}
TOOL(broken, .run_read_only = broken);

PLUGIN(&broken_tool)
