// The plugin ABI of bridge-host: everything a plugin needs.
//
// A plugin is a shared object that exports one function. This is a whole one:
//
//     #include <bridge_plugin.h>
//
//     static const bridge_host *host;
//
//     static bridge_status hello(void *context, bridge_call *call, const bridge_variables *vars) {
//       (void)context, (void)vars;
//       bridge_value greeting = {sizeof greeting, BRIDGE_TYPE_STRING, {.text = BRIDGE_STR("Hello!")}};
//       return host->call->result(call, &greeting);
//     }
//
//     static const bridge_tool tool = {
//         .size = sizeof tool, .name = BRIDGE_STR("hello"), .description = BRIDGE_STR("Greets."),
//         .threading = BRIDGE_PARALLEL, .run_read_only = hello};
//     static const bridge_tool *const tools[] = {&tool};
//     static const bridge_plugin plugin = {
//         .size = sizeof plugin, .abi_version = BRIDGE_ABI_VERSION, .name = BRIDGE_STR("hello"),
//         .version = BRIDGE_STR("1.0"), .tools = tools, .tool_count = 1};
//
//     BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *h, const bridge_plugin **p) {
//       host = h;
//       *p = &plugin;
//       return BRIDGE_OK;
//     }
//
// Rules that hold everywhere:
//   * Strings are UTF-8 views {data, length}; nobody frees what somebody else allocated.
//   * Every struct starts with its size. Whoever makes one sets it; whoever reads one looks no
//     further than it says.
//   * Handles are not pointers to follow. A stale one is an error, not a crash.
//   * Every function says from where it may be called: [any-thread]; [call-thread], the thread that
//     runs the tool (or the entry function); [watch-callback], inside a watch's callback;
//     [cancel-callback], inside a listener's.
//   * Nothing unwinds across: no C++ exception, no longjmp.
#ifndef BRIDGE_PLUGIN_H
#define BRIDGE_PLUGIN_H

#include "bridge/call.h"
#include "bridge/entry.h"
#include "bridge/status.h"
#include "bridge/tool.h"
#include "bridge/value.h"
#include "bridge/variables.h"

#endif
