// cc: -Wno-pedantic
// compiler: gcc
#include "../broken.h"
static int apply(int (*function)(int), int number) { return function(number); }

// The address of a function within a function is code on the stack.
static bridge_status nested(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)variables;
  int factor = 2;
  int times(int number) { return number * factor; }
  return answer(call, apply(times, 21));
}
TOOL(nested, .run = nested);

PLUGIN(&nested_tool)
