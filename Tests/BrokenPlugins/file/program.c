// It is linked as a program.
// after: patch 16 02
#include "../broken.h"

PLUGIN(&fine_tool)
int main(void) { return 0; }
