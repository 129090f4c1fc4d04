// cc: -Wl,-z,nodelete
#include "../broken.h"

static const bridge_tool *const tools[] = {&fine_tool};
// It says that it can go, and is linked so that it cannot.
PLUGIN_WITH(tools, .flags = BRIDGE_PLUGIN_UNLOADABLE)
