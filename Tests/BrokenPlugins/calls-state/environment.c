// cc: -D_GNU_SOURCE
#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  setenv("BROKEN_MODE", "fast", 1);
  return answer(call, 1);
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
