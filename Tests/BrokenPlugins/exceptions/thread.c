#include "../broken.h"

#include <pthread.h>

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  pthread_exit(NULL);
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
