#include "../broken.h"

#include <stdio.h>

__attribute__((constructor)) static void begin(void) {
  printf("my plugin 1.0\n");
}

PLUGIN(&fine_tool)
