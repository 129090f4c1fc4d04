#include "../broken.h"
// It is not linked with libz: the host happens to be.
unsigned long crc32(unsigned long, const unsigned char *, unsigned);

static bridge_status uses(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)variables;
  return answer(call, (int64_t)crc32(0, NULL, 0));
}
TOOL(uses, .run = uses);

PLUGIN(&uses_tool)
