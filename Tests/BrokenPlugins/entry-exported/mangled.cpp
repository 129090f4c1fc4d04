// Without extern "C" it is exported by another name.
#include <bridge_plugin.h>

__attribute__((visibility("default"))) bridge_status bridge_plugin_entry(const bridge_host *,
                                                                         const bridge_plugin **) {
  return BRIDGE_INTERNAL;
}
