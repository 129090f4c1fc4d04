#include "../broken.h"

#include <fcntl.h>

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  return answer(call, open("/dev/null", O_RDONLY) >= 0);
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
