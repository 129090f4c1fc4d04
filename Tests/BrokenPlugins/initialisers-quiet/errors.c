#include "../broken.h"

#include <stdio.h>

__attribute__((constructor)) static void begin(void) {
  fprintf(stderr, "loading\n");
}

PLUGIN(&fine_tool)
