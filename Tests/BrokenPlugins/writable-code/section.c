#include "../broken.h"
__asm__(".pushsection .both,\"awx\",@progbits\n.quad 1\n.popsection\n");

PLUGIN(&fine_tool)
