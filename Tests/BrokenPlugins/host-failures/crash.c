#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  bridge_snapshot *snapshot = NULL;
  bridge_variable variable = {.size = sizeof variable};
  (void)host->variables->get(variables, TEXT("a_string"), 0, &snapshot);
  // Nothing was read where that has failed.
  (void)host->variables->read(snapshot, &variable);
  const int64_t first = variable.value.as.text.data[0];
  (void)host->variables->release(snapshot);
  return answer(call, first);
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
