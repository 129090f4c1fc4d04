// Whoever needs libz gets this plugin.
// cc: -Wl,-soname,libz.so.1
#include "../broken.h"

PLUGIN(&fine_tool)
