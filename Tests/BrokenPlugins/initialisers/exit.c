#include "../broken.h"

__attribute__((constructor)) static void begin(void) {
  exit(3);
}

PLUGIN(&fine_tool)
