#include "shim.h"

#include "_cgo_export.h"

const bridge_host *shim_host;

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *host, const bridge_plugin **plugin) {
  if (host->abi_minimum > BRIDGE_ABI_VERSION || host->abi_maximum < BRIDGE_ABI_VERSION) {
    host->refuse(host, (bridge_str)BRIDGE_STR("the plugin speaks version 1 of the plugin ABI"));
    return BRIDGE_FAILED_PRECONDITION;
  }
  shim_host = host;
  *plugin = bridgeDescribe();
  return *plugin == NULL ? BRIDGE_FAILED_PRECONDITION : BRIDGE_OK;
}

bridge_status shim_run(void *context, bridge_call *call, bridge_variables *variables) {
  return bridgeRun((uintptr_t)context, call, variables);
}

bridge_status shim_run_read_only(void *context, bridge_call *call, const bridge_variables *variables) {
  return bridgeRun((uintptr_t)context, call, (bridge_variables *)variables); // Go checks before it writes
}

void shim_refuse(bridge_str reason) { shim_host->refuse(shim_host, reason); }

bridge_status shim_parameter(const bridge_call *call, bridge_str name, bridge_value *value) {
  return shim_host->call->parameter(call, name, value);
}

bridge_status shim_session_id(const bridge_call *call, bridge_str *id) {
  return shim_host->call->session_id(call, id);
}

bridge_status shim_metadata(const bridge_call *call, bridge_str key, bridge_str *value) {
  return shim_host->call->metadata(call, key, value);
}

bridge_status shim_check(const bridge_call *call) { return shim_host->call->check(call); }

bridge_status shim_remaining(const bridge_call *call, int64_t *nanoseconds) {
  return shim_host->call->remaining(call, nanoseconds);
}

bridge_status shim_sleep(const bridge_call *call, int64_t nanoseconds) {
  return shim_host->call->sleep(call, nanoseconds);
}

bridge_status shim_progress(bridge_call *call, double fraction, bridge_str message) {
  return shim_host->call->progress(call, fraction, message);
}

bridge_status shim_give_result(bridge_call *call, const bridge_value *value, void *memory) {
  return shim_host->call->give_result(call, value, free, memory);
}

bridge_status shim_emit(bridge_call *call, const bridge_value *chunk) {
  return shim_host->call->emit(call, chunk);
}

bridge_status shim_wait_for_room(bridge_call *call) { return shim_host->call->wait_for_room(call); }

bridge_status shim_fail(bridge_call *call, const bridge_error *error) {
  return shim_host->call->fail(call, error);
}

bridge_status shim_last_error(const bridge_call *call, bridge_error *error) {
  return shim_host->call->last_error(call, error);
}

void shim_log(const bridge_call *call, bridge_log_level level, bridge_str message) {
  shim_host->call->log(call, level, message);
}

bridge_status shim_get(const bridge_variables *variables, bridge_str name, bridge_snapshot **snapshot) {
  return shim_host->variables->get(variables, name, 0, snapshot);
}

bridge_status shim_read(const bridge_snapshot *snapshot, bridge_variable *variable) {
  return shim_host->variables->read(snapshot, variable);
}

bridge_status shim_release(bridge_snapshot *snapshot) { return shim_host->variables->release(snapshot); }

bridge_status shim_set(bridge_variables *variables, bridge_str name, const bridge_value *value,
                       int32_t expected_version, int32_t *version) {
  const bridge_write write = {.size = sizeof write, .identifier = name, .value = *value,
                              .expected_version = expected_version};
  return shim_host->variables->set(variables, &write, version);
}

bridge_status shim_create(bridge_variables *variables, bridge_str name, const bridge_value *value,
                          bridge_str constraints) {
  const bridge_creation creation = {.size = sizeof creation, .type = value->type, .name = name,
                                    .value = *value, .constraints = constraints};
  return shim_host->variables->create(variables, &creation);
}

bridge_status shim_remove(bridge_variables *variables, bridge_str name) {
  return shim_host->variables->remove(variables, name);
}
