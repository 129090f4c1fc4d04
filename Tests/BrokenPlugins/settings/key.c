// beside: {"timeout": 3}
#include "../broken.h"

PLUGIN(&fine_tool)
