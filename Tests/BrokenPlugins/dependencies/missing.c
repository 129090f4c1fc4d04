// The library that it needs is not there.
// with: libbrokenpart.so int part(void); int part(void) { return 1; }
// after: remove libbrokenpart.so
#include "../broken.h"
int part(void);

static bridge_status uses(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)variables;
  return answer(call, part());
}
TOOL(uses, .run = uses);

PLUGIN(&uses_tool)
