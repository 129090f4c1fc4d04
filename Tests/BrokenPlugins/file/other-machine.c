// Its header says that it is for another machine.
// after: patch 18 08
#include "../broken.h"

PLUGIN(&fine_tool)
