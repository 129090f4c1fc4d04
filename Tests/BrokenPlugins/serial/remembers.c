#include "../broken.h"

// Which tool was called last, whoever called it.
static char last;

static bridge_status first(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)variables;
  const int64_t number = last == 's' ? 2 : 1;
  last = 'f';
  return answer(call, number);
}

static bridge_status second(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)variables;
  const int64_t number = last == 'f' ? 2 : 1;
  last = 's';
  return answer(call, number);
}

#define SERIAL(function)                                                                           \
  static const bridge_tool function##_tool = {.size = sizeof(bridge_tool),                         \
                                              .name = BRIDGE_STR(#function),                       \
                                              .description = BRIDGE_STR("Does something."),        \
                                              .threading = BRIDGE_SERIAL,                          \
                                              .run = function}
SERIAL(first);
SERIAL(second);

PLUGIN(&first_tool, &second_tool)
