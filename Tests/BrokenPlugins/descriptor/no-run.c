#include "../broken.h"

// There is nothing to run.
TOOL(wrong, .context = NULL);

PLUGIN(&wrong_tool)
