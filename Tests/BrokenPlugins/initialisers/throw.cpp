// An exception leaves an initialiser.
#include <bridge_plugin.h>

#include <stdexcept>

static int begin() { throw std::runtime_error("no such file"); }
static int begun = begin();

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *, const bridge_plugin **) {
  return begun ? BRIDGE_OK : BRIDGE_INTERNAL;
}
