// Half of it was copied.
// after: truncate 4000
#include "../broken.h"

PLUGIN(&fine_tool)
