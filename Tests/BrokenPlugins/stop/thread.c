#include "../broken.h"

#include <pthread.h>
#include <unistd.h>

static void *work(void *context) {
  for (;;) pause();
  return context;
}

static bridge_status begin(const bridge_host *h, bridge_str configuration) {
  (void)h, (void)configuration;
  pthread_t thread;
  pthread_create(&thread, NULL, work, NULL);
  return BRIDGE_OK;
}

static const bridge_tool *const tools[] = {&fine_tool};
PLUGIN_WITH(tools, .init = begin)
