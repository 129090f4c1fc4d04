// A library of its own has the name of one that every host has.
// with: libz.so.1 int part(void); int part(void) { return 1; }
#include "../broken.h"
int part(void);

static bridge_status uses(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)variables;
  return answer(call, part());
}
TOOL(uses, .run = uses);

PLUGIN(&uses_tool)
