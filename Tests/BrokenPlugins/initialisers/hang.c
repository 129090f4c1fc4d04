// options: --timeout 3
#include "../broken.h"

#include <unistd.h>

__attribute__((constructor)) static void begin(void) {
  for (;;) pause();
}

PLUGIN(&fine_tool)
