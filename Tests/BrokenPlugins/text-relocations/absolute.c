// cc: -Wl,-z,notext
#include "../broken.h"
// An address in the code, which the loader has to write there.
__asm__(".pushsection .text\n.quad bridge_plugin_entry\n.popsection\n");

PLUGIN(&fine_tool)
