// beside: {"configuration": {"model": "small"}}
#include "../broken.h"

PLUGIN(&fine_tool)
