#include "../broken.h"

#include <pthread.h>
#include <unistd.h>

static pthread_attr_t small;

static void *work(void *context) {
  for (;;) pause();
  return context;
}

__attribute__((constructor)) static void begin(void) {
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 65536);
}

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  pthread_t thread;
  return answer(call, pthread_create(&thread, &small, work, NULL));
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
