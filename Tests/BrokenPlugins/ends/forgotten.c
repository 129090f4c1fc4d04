// options: --grace 1
#include "../broken.h"

static bridge_status broken(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  // Nobody will ever complete it.
  bridge_token *token;
  const bridge_status status = host->call->retain(call, &token);
  return status == BRIDGE_OK ? BRIDGE_PENDING : status;
}
TOOL(broken, .run = broken);

PLUGIN(&broken_tool)
