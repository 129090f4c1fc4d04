#include "../broken.h"

#include <pthread.h>
#include <unistd.h>

static void *work(void *context) {
  for (;;) pause();
  return context;
}

__attribute__((constructor)) static void begin(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, work, NULL);
}

PLUGIN(&fine_tool)
