// A host of plugins in memory, for tests in C, C++, Rust and whatever else calls C functions.
//
//     #include <bridge_plugin_testing.h>
//
//     int main(void) {
//       bridge_test_host *host = bridge_test_host_new(NULL);
//       bridge_test_load(host, "./libweather.so");
//       bridge_test_define(host, "temperature", "float", "21.5");
//       bridge_test_expect_result(host, "forecast", "{\"days\": 3}", "\"warm\"");
//       bridge_test_expect_variable(host, "temperature", "22.0");
//       return bridge_test_host_delete(host) == 0 ? 0 : 1;
//     }
//
// Link with -lbridge_plugin_testing. Values, arguments and records are JSON texts in UTF-8. A text
// that a function returns is the caller's: give it to `bridge_test_free`. Every function may be called
// from any thread; hosts know nothing of each other.
#ifndef BRIDGE_PLUGIN_TESTING_H
#define BRIDGE_PLUGIN_TESTING_H

#include <bridge_plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

// A host with a session, "test", and no plugin.
typedef struct bridge_test_host bridge_test_host;

// Makes a host. `options` is NULL or a JSON object:
//   "clock": "real" (the default), "sleeping" (moves when a tool sleeps), "manual" (moves by "advance")
//   "abi_versions": [lowest, highest] that the host says it speaks
//   "in_place": whether plugins are mapped from their own files, where debuggers find them
// NULL: the options make no sense, which is said on standard error.
bridge_test_host *bridge_test_host_new(const char *options);

// Ends with a host. Returns how many expectations were not met, broken rules of the ABI included.
int bridge_test_host_delete(bridge_test_host *host);

// Frees a text.
void bridge_test_free(char *text);

// Does what a JSON object asks for, and answers one: {"ok": true, ...} or {"ok": false, "error": {...}}.
// docs/testing.md lists the requests. All functions below are short for one.
char *bridge_test_request(bridge_test_host *host, const char *request);

// Loads a shared object or a manifest. Returns 0, or 1 and says why on standard error.
int bridge_test_load(bridge_test_host *host, const char *path);

// Enters a plugin that is linked into the test. `configuration` may be NULL. Returns as above.
int bridge_test_enter(bridge_test_host *host, bridge_plugin_entry_function entry, const char *name,
                      const char *configuration);

// Makes a variable of the session. Returns as above.
int bridge_test_define(bridge_test_host *host, const char *name, const char *type,
                       const char *value);

// Calls a tool and answers the record of the call: what it answered or why it failed, chunks,
// progress, and a trace of every function of the host that it called. `arguments` may be NULL.
char *bridge_test_call(bridge_test_host *host, const char *tool, const char *arguments);

// A part of a JSON text by its JSON Pointer (RFC 6901), such as "/trace/0/function"; NULL where there
// is none.
char *bridge_test_part(const char *json, const char *pointer);

// Calls a tool and compares its result. Rules of the ABI that the call breaks count, too. Returns 0,
// or 1 and shows the difference on standard error.
int bridge_test_expect_result(bridge_test_host *host, const char *tool, const char *arguments,
                              const char *result);

// Calls a tool that is to fail with a status, and with a message that has `part` in it. Returns as above.
int bridge_test_expect_failure(bridge_test_host *host, const char *tool, const char *arguments,
                               bridge_status status, const char *part);

// Compares a variable's value. Returns as above.
int bridge_test_expect_variable(bridge_test_host *host, const char *name, const char *value);

#ifdef __cplusplus
}
#endif

#endif
