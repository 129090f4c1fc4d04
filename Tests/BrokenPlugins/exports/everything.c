// It is built without -fvisibility=hidden.
// cc: -fvisibility=default
#include "../broken.h"
int helper(void);
int helper(void) { return 1; }

PLUGIN(&fine_tool)
