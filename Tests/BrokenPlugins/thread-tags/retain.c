#include "../broken.h"

#include <pthread.h>

// Only the thread of the tool may retain its call.
static void *retain(void *context) {
  bridge_token *token;
  if (host->call->retain(context, &token) == BRIDGE_OK) host->call->complete(token, BRIDGE_OK);
  return NULL;
}

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  pthread_t thread;
  if (answer(call, 1) != BRIDGE_OK) return BRIDGE_INTERNAL;
  if (pthread_create(&thread, NULL, retain, call) != 0) return BRIDGE_OK;
  pthread_join(thread, NULL);
  return BRIDGE_PENDING;
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
