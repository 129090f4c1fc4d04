// How host and plugin meet.
#ifndef BRIDGE_ENTRY_H
#define BRIDGE_ENTRY_H

#include "tool.h"
#include "tools.h"

#ifdef __cplusplus
extern "C" {
#endif

// The version of this ABI: what a plugin cannot do without. Released declarations never change:
// structs and tables grow at their end, and a changed function gets a new name.
#define BRIDGE_ABI_VERSION 1u

// Counts what was appended to the version: these headers are 1.0.
#define BRIDGE_ABI_REVISION 0u

// What the host offers to one plugin. It and its tables stay for the life of the process.
typedef struct bridge_host {
  uint32_t size;         // of this struct, as the host knows it
  uint32_t abi_revision; // of the newest version it speaks
  uint32_t abi_minimum;  // the versions it speaks, both included
  uint32_t abi_maximum;
  bridge_str name;
  bridge_str version;
  const bridge_call_api *call;
  const bridge_variables_api *variables;
  const bridge_tools_api *tools;

  // Asks for a table by name and revision, for what this header does not have. The table stays for
  // the life of the process. NULL: not there. [any-thread]
  const void *(*extension)(const struct bridge_host *host, bridge_str name, uint32_t revision);

  // Says why `bridge_plugin_entry` or `init` refuses, in a sentence for a person. The view is
  // copied. [load-thread]
  void (*refuse)(const struct bridge_host *host, bridge_str reason);

  // Writes a line to the host's log, with the plugin's name: for what belongs to no call. The view
  // is copied. [any-thread]
  void (*log)(const struct bridge_host *host, bridge_log_level level, bridge_str message);
} bridge_host;

enum {
  // The shared object may be unmapped after `deinit`. Leave it out unless that is certain: code of a
  // runtime such as Swift's, Go's or Rust's must stay.
  BRIDGE_PLUGIN_UNLOADABLE = 1u << 0
};

// What a plugin is.
typedef struct bridge_plugin {
  uint32_t size; // sizeof(bridge_plugin)
  uint32_t abi_version; // the version it chose from the host's
  uint32_t flags;
  uint32_t reserved; // 0
  bridge_str name;   // 1 to 128 of [A-Za-z0-9_.-]
  bridge_str version;
  bridge_str description;
  const bridge_tool *const *tools;
  size_t tool_count;

  // A JSON Schema (2020-12) of the plugin's configuration, which is a JSON object. Empty: the plugin
  // takes none, and is refused one.
  bridge_str configuration_schema;

  // Called once after the entry function and before any call, with the configuration as JSON text
  // ("{}" where nobody gave one), which the host has checked. The view is valid until it returns.
  // May be NULL. Anything but BRIDGE_OK refuses, as in the entry function. [load-thread]
  bridge_status (*init)(const bridge_host *host, bridge_str configuration);

  // Called once, when no call runs, no more will, and all states are released. May be NULL. Threads
  // of the plugin's own, and what it has registered elsewhere, have ended when it returns.
  // BRIDGE_OK lets the plugin go; anything else keeps its code in memory. [load-thread]
  bridge_status (*deinit)(void);

  // The counterpart of bridge_host.extension. May be NULL. [any-thread]
  const void *(*extension)(bridge_str name, uint32_t revision);
} bridge_plugin;

// Exports a function, with its C name also from C++.
#ifdef __cplusplus
#define BRIDGE_EXPORT extern "C" __attribute__((visibility("default")))
#else
#define BRIDGE_EXPORT __attribute__((visibility("default")))
#endif

// The one function a plugin exports. It answers BRIDGE_OK and the plugin's description, which stays
// as it is for as long as the plugin is loaded; or it calls `refuse` and answers another status.
// [load-thread], called once.
typedef bridge_status (*bridge_plugin_entry_function)(const bridge_host *host,
                                                      const bridge_plugin **plugin);

#define BRIDGE_PLUGIN_ENTRY "bridge_plugin_entry"

#ifdef __cplusplus
}
#endif

#endif
