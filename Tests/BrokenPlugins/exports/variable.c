#include "../broken.h"
__attribute__((visibility("default"))) int debug_level = 1;

PLUGIN(&fine_tool)
