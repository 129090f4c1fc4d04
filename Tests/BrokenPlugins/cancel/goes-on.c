#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  // What progress answers is not looked at.
  for (int step = 0; step < 1000; step++) {
    (void)host->call->progress(call, step / 1000.0, TEXT("working"));
  }
  return answer(call, 1);
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
