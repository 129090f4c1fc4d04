// beside: {"tools": ["fine", "finer"]}
#include "../broken.h"

PLUGIN(&fine_tool)
