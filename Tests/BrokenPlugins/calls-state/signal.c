#include "../broken.h"

#include <signal.h>

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  signal(SIGUSR2, SIG_IGN);
  return answer(call, 1);
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
