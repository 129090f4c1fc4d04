#include "../broken.h"

#include <unistd.h>

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  return answer(call, chdir("/tmp"));
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
