// How host and plugin meet.
#ifndef BRIDGE_ENTRY_H
#define BRIDGE_ENTRY_H

#include "tool.h"

#ifdef __cplusplus
extern "C" {
#endif

// The version of this ABI. Released declarations never change: structs grow at their end, and a
// changed function gets a new name.
#define BRIDGE_ABI_VERSION 1u

// What the host offers. It and its tables stay for the life of the process.
typedef struct bridge_host {
  size_t size; // of this struct, as the host knows it
  uint32_t abi_minimum; // the versions it speaks, both included
  uint32_t abi_maximum;
  bridge_str name;
  bridge_str version;
  const bridge_call_api *call;
  const bridge_variables_api *variables;

  // Asks for a table by name and revision, for what this header does not have. NULL: not there.
  // [any-thread]
  const void *(*extension)(const struct bridge_host *host, bridge_str name, uint32_t revision);

  // Says why the entry function refuses, in a sentence for a person. The view is copied.
  // [call-thread] of the entry function
  void (*refuse)(const struct bridge_host *host, bridge_str reason);
} bridge_host;

enum {
  // The shared object may be unmapped. Leave it out unless that is certain: code of a runtime such
  // as Swift's, Go's or Rust's must stay.
  BRIDGE_PLUGIN_UNLOADABLE = 1u << 0
};

// What a plugin is.
typedef struct bridge_plugin {
  size_t size; // sizeof(bridge_plugin)
  uint32_t abi_version; // the version it chose from the host's
  uint32_t flags;
  bridge_str name; // 1 to 128 of [A-Za-z0-9_.-]
  bridge_str version;
  bridge_str description;
  const bridge_tool *const *tools;
  size_t tool_count;

  // The counterpart of bridge_host.extension. May be NULL. [any-thread]
  const void *(*extension)(bridge_str name, uint32_t revision);

  // Called once, when no call runs and no more will. May be NULL. Anything but BRIDGE_OK keeps the
  // plugin in memory. [call-thread]
  bridge_status (*deinit)(void);
} bridge_plugin;

#if defined(__GNUC__)
#define BRIDGE_EXPORT __attribute__((visibility("default")))
#else
#define BRIDGE_EXPORT
#endif

// The one function a plugin exports. It answers BRIDGE_OK and the plugin's description, which stays
// as it is for as long as the plugin is loaded; or it calls `refuse` and answers another status.
// [call-thread], called once.
typedef bridge_status (*bridge_plugin_entry_function)(const bridge_host *host,
                                                      const bridge_plugin **plugin);

#define BRIDGE_PLUGIN_ENTRY "bridge_plugin_entry"

#ifdef __cplusplus
}
#endif

#endif
