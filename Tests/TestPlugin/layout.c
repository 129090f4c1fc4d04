// The layout of the ABI, pinned: a released struct never changes but at its end.
#include <assert.h>
#include <bridge_plugin.h>

#define SIZE(type, bytes) static_assert(sizeof(type) == bytes, #type " has another size")
#define AT(type, field, bytes)                                                                     \
  static_assert(offsetof(type, field) == bytes, #type "." #field " has moved")

SIZE(bridge_str, 16);
SIZE(bridge_error, 64);
AT(bridge_error, code, 4);
AT(bridge_error, message, 8);
AT(bridge_error, type, 24);
AT(bridge_error, details, 40);
AT(bridge_error, retryable, 56);
SIZE(bridge_numbers, 32);
AT(bridge_numbers, element, 16);
AT(bridge_numbers, shape, 24);
SIZE(bridge_value, 40);
AT(bridge_value, type, 4);
AT(bridge_value, as, 8);
SIZE(bridge_call_api, 160);
AT(bridge_call_api, parameter, 8);
AT(bridge_call_api, emit, 88);
AT(bridge_call_api, complete, 136);
AT(bridge_call_api, on_cancel, 144);
AT(bridge_call_api, forget, 152);
SIZE(bridge_variable, 88);
AT(bridge_variable, version, 4);
AT(bridge_variable, revision, 8);
AT(bridge_variable, id, 16);
AT(bridge_variable, name, 32);
AT(bridge_variable, value, 48);
SIZE(bridge_change, 48);
AT(bridge_change, revision, 8);
AT(bridge_change, variable, 16);
AT(bridge_change, cause, 32);
SIZE(bridge_write, 64);
AT(bridge_write, identifier, 8);
AT(bridge_write, value, 24);
SIZE(bridge_variables_api, 88);
AT(bridge_variables_api, get, 8);
AT(bridge_variables_api, unwatch, 80);
SIZE(bridge_parameter, 72);
AT(bridge_parameter, type, 40);
AT(bridge_parameter, default_value, 48);
AT(bridge_parameter, constraints, 56);
SIZE(bridge_tool, 120);
AT(bridge_tool, flags, 40);
AT(bridge_tool, parameters, 48);
AT(bridge_tool, reads, 64);
AT(bridge_tool, context, 96);
AT(bridge_tool, run, 104);
AT(bridge_tool, run_read_only, 112);
SIZE(bridge_host, 80);
AT(bridge_host, name, 16);
AT(bridge_host, call, 48);
AT(bridge_host, refuse, 72);
SIZE(bridge_plugin, 96);
AT(bridge_plugin, abi_version, 8);
AT(bridge_plugin, name, 16);
AT(bridge_plugin, tools, 64);
AT(bridge_plugin, deinit, 88);

static_assert(BRIDGE_ABI_VERSION == 1, "a new version of the ABI gets new names");
