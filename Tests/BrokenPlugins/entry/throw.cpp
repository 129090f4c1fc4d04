// An exception leaves the entry function.
#include <bridge_plugin.h>

#include <stdexcept>

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *, const bridge_plugin **) {
  throw std::runtime_error("no model");
}
