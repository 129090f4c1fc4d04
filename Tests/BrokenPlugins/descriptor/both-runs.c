#include "../broken.h"

static bridge_status run(void *context, bridge_call *call, bridge_variables *variables) {
  return fine(context, call, variables);
}

// It can write, and it cannot.
TOOL(wrong, .run_read_only = fine, .run = run);

PLUGIN(&wrong_tool)
