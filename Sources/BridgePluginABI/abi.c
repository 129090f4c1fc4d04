// The headers are the whole of this module; compiling them alone shows that they stand on their own.
#include "bridge_plugin.h"
