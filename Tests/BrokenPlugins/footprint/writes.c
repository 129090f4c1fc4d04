#include "../broken.h"

static const bridge_str reads[] = {BRIDGE_STR("a_float")};

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  // It says that it reads the variable, and writes it.
  const bridge_write write = {.size = sizeof write,
                              .identifier = BRIDGE_STR("a_float"),
                              .value = {.type = BRIDGE_TYPE_FLOAT, .as.number = 3}};
  (void)host->variables->set(variables, &write, NULL);
  return answer(call, 1);
}
TOOL(broken, .run = broken, .reads = reads, .read_count = 1);

PLUGIN(&broken_tool)
