#include "../broken.h"

#include <unistd.h>

__attribute__((constructor)) static void begin(void) {
  usleep(1500 * 1000);
}

PLUGIN(&fine_tool)
