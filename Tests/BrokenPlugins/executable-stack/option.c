// cc: -Wl,-z,execstack
#include "../broken.h"

PLUGIN(&fine_tool)
