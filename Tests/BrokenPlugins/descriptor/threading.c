#include "../broken.h"
// It does not say whether its calls may run at once.
static const bridge_tool wrong = {.size = sizeof wrong,
                                  .name = BRIDGE_STR("wrong"),
                                  .description = BRIDGE_STR("Does something."),
                                  .run_read_only = fine};

PLUGIN(&wrong)
