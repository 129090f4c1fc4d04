#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  // The call before this one is over.
  static bridge_call *last;
  if (last) (void)host->call->check(last);
  last = call;
  return answer(call, 1);
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
