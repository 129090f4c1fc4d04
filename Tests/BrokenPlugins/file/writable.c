// Everybody can write it.
// after: chmod 777
#include "../broken.h"

PLUGIN(&fine_tool)
