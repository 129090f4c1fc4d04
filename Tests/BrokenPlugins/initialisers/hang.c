// options: --timeout 8
#include "../broken.h"

#include <unistd.h>

__attribute__((constructor)) static void begin(void) {
  for (;;) pause();
}

PLUGIN(&fine_tool)
