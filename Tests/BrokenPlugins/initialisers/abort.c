#include "../broken.h"

__attribute__((constructor)) static void begin(void) {
  abort();
}

PLUGIN(&fine_tool)
