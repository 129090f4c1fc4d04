#include "../broken.h"

__attribute__((constructor)) static void begin(void) {
  *(volatile int *)8 = 1;
}

PLUGIN(&fine_tool)
