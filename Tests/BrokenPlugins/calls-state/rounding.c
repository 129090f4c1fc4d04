// cc: -lm
#include "../broken.h"

#include <fenv.h>

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  fesetround(FE_DOWNWARD);
  return answer(call, 1);
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
