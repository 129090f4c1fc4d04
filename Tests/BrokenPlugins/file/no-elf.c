// It does not begin as an ELF file does.
// after: patch 0 41
#include "../broken.h"

PLUGIN(&fine_tool)
