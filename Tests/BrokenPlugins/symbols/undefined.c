#include "../broken.h"
int forgotten(void);

static bridge_status uses(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)variables;
  return answer(call, forgotten());
}
TOOL(uses, .run = uses);

PLUGIN(&uses_tool)
