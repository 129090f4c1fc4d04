// The layout of the ABI, pinned: a released struct never changes but at its end.
#include <assert.h>
#include <bridge_plugin.h>

#define SIZE(type, bytes) static_assert(sizeof(type) == bytes, #type " has another size")
#define AT(type, field, bytes)                                                                     \
  static_assert(offsetof(type, field) == bytes, #type "." #field " has moved")

SIZE(bridge_str, 16);
AT(bridge_str, data, 0);
AT(bridge_str, length, 8);

SIZE(bridge_pair, 32);
AT(bridge_pair, key, 0);
AT(bridge_pair, value, 16);

SIZE(bridge_error, 64);
AT(bridge_error, size, 0);
AT(bridge_error, flags, 4);
AT(bridge_error, code, 8);
AT(bridge_error, reserved, 12);
AT(bridge_error, message, 16);
AT(bridge_error, type, 32);
AT(bridge_error, details, 48);

SIZE(bridge_numbers, 32);
AT(bridge_numbers, data, 0);
AT(bridge_numbers, count, 8);
AT(bridge_numbers, element, 16);
AT(bridge_numbers, rank, 20);
AT(bridge_numbers, shape, 24);

SIZE(bridge_value, 40);
AT(bridge_value, type, 0);
AT(bridge_value, reserved, 4);
AT(bridge_value, as, 8);

SIZE(bridge_argument, 56);
AT(bridge_argument, name, 0);
AT(bridge_argument, value, 16);

SIZE(bridge_call_api, 184);
AT(bridge_call_api, size, 0);
AT(bridge_call_api, reserved, 4);
AT(bridge_call_api, parameter, 8);
AT(bridge_call_api, session_id, 16);
AT(bridge_call_api, metadata, 24);
AT(bridge_call_api, check, 32);
AT(bridge_call_api, remaining, 40);
AT(bridge_call_api, sleep, 48);
AT(bridge_call_api, progress, 56);
AT(bridge_call_api, result, 64);
AT(bridge_call_api, give_result, 72);
AT(bridge_call_api, give_binary, 80);
AT(bridge_call_api, annotate, 88);
AT(bridge_call_api, emit, 96);
AT(bridge_call_api, wait_for_room, 104);
AT(bridge_call_api, fail, 112);
AT(bridge_call_api, last_error, 120);
AT(bridge_call_api, log, 128);
AT(bridge_call_api, state, 136);
AT(bridge_call_api, keep_state, 144);
AT(bridge_call_api, retain, 152);
AT(bridge_call_api, complete, 160);
AT(bridge_call_api, on_cancel, 168);
AT(bridge_call_api, forget, 176);

SIZE(bridge_request, 88);
AT(bridge_request, size, 0);
AT(bridge_request, flags, 4);
AT(bridge_request, tool, 8);
AT(bridge_request, arguments, 24);
AT(bridge_request, argument_count, 32);
AT(bridge_request, metadata, 40);
AT(bridge_request, metadata_count, 48);
AT(bridge_request, timeout, 56);
AT(bridge_request, on_chunk, 64);
AT(bridge_request, on_end, 72);
AT(bridge_request, context, 80);

SIZE(bridge_outcome, 88);
AT(bridge_outcome, size, 0);
AT(bridge_outcome, status, 4);
AT(bridge_outcome, value, 8);
AT(bridge_outcome, binary, 48);
AT(bridge_outcome, error, 64);
AT(bridge_outcome, metadata, 72);
AT(bridge_outcome, metadata_count, 80);

SIZE(bridge_tools_api, 32);
AT(bridge_tools_api, size, 0);
AT(bridge_tools_api, reserved, 4);
AT(bridge_tools_api, invoke, 8);
AT(bridge_tools_api, outcome, 16);
AT(bridge_tools_api, drop, 24);

SIZE(bridge_details, 64);
AT(bridge_details, size, 0);
AT(bridge_details, reserved, 4);
AT(bridge_details, written_at, 8);
AT(bridge_details, writer, 16);
AT(bridge_details, constraints, 32);
AT(bridge_details, metadata, 48);
AT(bridge_details, metadata_count, 56);

SIZE(bridge_variable, 96);
AT(bridge_variable, size, 0);
AT(bridge_variable, version, 4);
AT(bridge_variable, revision, 8);
AT(bridge_variable, id, 16);
AT(bridge_variable, name, 32);
AT(bridge_variable, value, 48);
AT(bridge_variable, details, 88);

SIZE(bridge_change, 56);
AT(bridge_change, size, 0);
AT(bridge_change, kind, 4);
AT(bridge_change, revision, 8);
AT(bridge_change, time, 16);
AT(bridge_change, variable, 24);
AT(bridge_change, previous, 32);
AT(bridge_change, cause, 40);

SIZE(bridge_write, 104);
AT(bridge_write, size, 0);
AT(bridge_write, flags, 4);
AT(bridge_write, identifier, 8);
AT(bridge_write, value, 24);
AT(bridge_write, expected_version, 64);
AT(bridge_write, reserved, 68);
AT(bridge_write, metadata, 72);
AT(bridge_write, metadata_count, 80);
AT(bridge_write, release, 88);
AT(bridge_write, context, 96);

SIZE(bridge_creation, 96);
AT(bridge_creation, size, 0);
AT(bridge_creation, type, 4);
AT(bridge_creation, name, 8);
AT(bridge_creation, value, 24);
AT(bridge_creation, constraints, 64);
AT(bridge_creation, metadata, 80);
AT(bridge_creation, metadata_count, 88);

SIZE(bridge_subscription, 40);
AT(bridge_subscription, size, 0);
AT(bridge_subscription, flags, 4);
AT(bridge_subscription, identifiers, 8);
AT(bridge_subscription, identifier_count, 16);
AT(bridge_subscription, on_change, 24);
AT(bridge_subscription, context, 32);

SIZE(bridge_variables_api, 88);
AT(bridge_variables_api, size, 0);
AT(bridge_variables_api, reserved, 4);
AT(bridge_variables_api, get, 8);
AT(bridge_variables_api, read, 16);
AT(bridge_variables_api, release, 24);
AT(bridge_variables_api, list, 32);
AT(bridge_variables_api, set, 40);
AT(bridge_variables_api, set_all, 48);
AT(bridge_variables_api, create, 56);
AT(bridge_variables_api, remove, 64);
AT(bridge_variables_api, watch, 72);
AT(bridge_variables_api, unwatch, 80);

SIZE(bridge_parameter, 88);
AT(bridge_parameter, size, 0);
AT(bridge_parameter, flags, 4);
AT(bridge_parameter, name, 8);
AT(bridge_parameter, description, 24);
AT(bridge_parameter, type, 40);
AT(bridge_parameter, reserved, 44);
AT(bridge_parameter, default_value, 48);
AT(bridge_parameter, constraints, 56);
AT(bridge_parameter, schema, 72);

SIZE(bridge_output, 56);
AT(bridge_output, size, 0);
AT(bridge_output, type, 4);
AT(bridge_output, description, 8);
AT(bridge_output, constraints, 24);
AT(bridge_output, schema, 40);

SIZE(bridge_tool, 144);
AT(bridge_tool, size, 0);
AT(bridge_tool, flags, 4);
AT(bridge_tool, name, 8);
AT(bridge_tool, title, 24);
AT(bridge_tool, description, 40);
AT(bridge_tool, threading, 56);
AT(bridge_tool, concurrency, 60);
AT(bridge_tool, parameters, 64);
AT(bridge_tool, parameter_count, 72);
AT(bridge_tool, output, 80);
AT(bridge_tool, reads, 88);
AT(bridge_tool, read_count, 96);
AT(bridge_tool, writes, 104);
AT(bridge_tool, write_count, 112);
AT(bridge_tool, context, 120);
AT(bridge_tool, run, 128);
AT(bridge_tool, run_read_only, 136);

SIZE(bridge_host, 96);
AT(bridge_host, size, 0);
AT(bridge_host, abi_revision, 4);
AT(bridge_host, abi_minimum, 8);
AT(bridge_host, abi_maximum, 12);
AT(bridge_host, name, 16);
AT(bridge_host, version, 32);
AT(bridge_host, call, 48);
AT(bridge_host, variables, 56);
AT(bridge_host, tools, 64);
AT(bridge_host, extension, 72);
AT(bridge_host, refuse, 80);
AT(bridge_host, log, 88);

SIZE(bridge_plugin, 120);
AT(bridge_plugin, size, 0);
AT(bridge_plugin, abi_version, 4);
AT(bridge_plugin, flags, 8);
AT(bridge_plugin, reserved, 12);
AT(bridge_plugin, name, 16);
AT(bridge_plugin, version, 32);
AT(bridge_plugin, description, 48);
AT(bridge_plugin, tools, 64);
AT(bridge_plugin, tool_count, 72);
AT(bridge_plugin, configuration_schema, 80);
AT(bridge_plugin, init, 96);
AT(bridge_plugin, deinit, 104);
AT(bridge_plugin, extension, 112);

static_assert(BRIDGE_ABI_VERSION == 1, "a new version of the ABI gets new names");
