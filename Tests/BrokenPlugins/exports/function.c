#include "../broken.h"
// A name that others have, too.
__attribute__((visibility("default"))) int parse(void);
int parse(void) { return 1; }

PLUGIN(&fine_tool)
