#include "../broken.h"

#include <stdio.h>

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  printf("called\n");
  return answer(call, 1);
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
