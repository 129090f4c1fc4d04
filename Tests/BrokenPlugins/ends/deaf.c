// options: --grace 1
#include "../broken.h"

#include <unistd.h>

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  // It never looks whether it is still wanted.
  for (;;) usleep(10000);
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
