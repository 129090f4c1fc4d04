#include "../broken.h"

#include <unistd.h>

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  // All calls share the number, which is meant for one.
  static volatile int64_t found;
  found = found + 1;
  usleep(2000);
  const int64_t number = found;
  found = 0;
  return answer(call, number);
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
