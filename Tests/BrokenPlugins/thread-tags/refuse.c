#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  // Only while it is loaded can a plugin refuse.
  host->refuse(host, TEXT("not now"));
  return answer(call, 1);
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
