// The host's functions as functions that Go can call: Go does not call through pointers.
#ifndef BRIDGE_SHIM_H
#define BRIDGE_SHIM_H

#include <bridge_plugin.h>
#include <stdlib.h>

extern const bridge_host *shim_host;

void shim_refuse(bridge_str reason);
bridge_status shim_parameter(const bridge_call *call, bridge_str name, bridge_value *value);
bridge_status shim_session_id(const bridge_call *call, bridge_str *id);
bridge_status shim_metadata(const bridge_call *call, bridge_str key, bridge_str *value);
bridge_status shim_check(const bridge_call *call);
bridge_status shim_remaining(const bridge_call *call, int64_t *nanoseconds);
bridge_status shim_sleep(const bridge_call *call, int64_t nanoseconds);
bridge_status shim_progress(bridge_call *call, double fraction, bridge_str message);
// The value is in memory of malloc that is the host's from here on; `memory` is freed when it is done with it.
bridge_status shim_give_result(bridge_call *call, const bridge_value *value, void *memory);
bridge_status shim_emit(bridge_call *call, const bridge_value *chunk);
bridge_status shim_wait_for_room(bridge_call *call);
bridge_status shim_fail(bridge_call *call, const bridge_error *error);
bridge_status shim_last_error(const bridge_call *call, bridge_error *error);
void shim_log(const bridge_call *call, bridge_log_level level, bridge_str message);
bridge_status shim_get(const bridge_variables *variables, bridge_str name, bridge_snapshot **snapshot);
bridge_status shim_read(const bridge_snapshot *snapshot, bridge_variable *variable);
bridge_status shim_release(bridge_snapshot *snapshot);
bridge_status shim_set(bridge_variables *variables, bridge_str name, const bridge_value *value,
                       int32_t expected_version, int32_t *version);
bridge_status shim_create(bridge_variables *variables, bridge_str name, const bridge_value *value,
                          bridge_str constraints);
bridge_status shim_remove(bridge_variables *variables, bridge_str name);

// Functions of tools, which hand on to Go.
bridge_status shim_run(void *context, bridge_call *call, bridge_variables *variables);
bridge_status shim_run_read_only(void *context, bridge_call *call, const bridge_variables *variables);

#endif
