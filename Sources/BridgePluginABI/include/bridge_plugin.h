// The plugin ABI of bridge-host, version 1.0: everything a plugin needs.
//
// A plugin is a shared object that exports one function. This is a whole one:
//
//     #include <bridge_plugin.h>
//
//     static const bridge_host *host;
//
//     static bridge_status hello(void *context, bridge_call *call, const bridge_variables *vars) {
//       (void)context, (void)vars;
//       bridge_value greeting = {.type = BRIDGE_TYPE_STRING, .as = {.text = BRIDGE_STR("Hello!")}};
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
//   * Structs start with their size, but for the five whose layout is fixed for ever. Whose memory a
//     struct is in sets the size, also before a function that fills it in. The other side reads and
//     writes no further, and takes what is not there for zero.
//   * What one asks of the other side and it does not know, a flag, a value in a reserved field or in
//     a field past the end that it knows, is refused in a sentence. What one is told and does not
//     know is passed over. So set whole structs to zero before you fill them in.
//   * Handles are not pointers to follow. A stale one is an error, not a crash.
//   * Every function says from where it may be called: [any-thread]; [call-thread], the thread that
//     runs the tool; [load-thread], the one that runs `bridge_plugin_entry`, `init` and `deinit`;
//     [watch-callback], [cancel-callback] and [reply-callback], inside a callback of a watch, a
//     listener or an invocation.
//   * Nothing unwinds across, no C++ exception and no longjmp. An exception that leaves a function of
//     the plugin anyway ends its call with BRIDGE_INTERNAL.
//   * The machine is a 64-bit one.
#ifndef BRIDGE_PLUGIN_H
#define BRIDGE_PLUGIN_H

#include "bridge/call.h"
#include "bridge/entry.h"
#include "bridge/status.h"
#include "bridge/tool.h"
#include "bridge/tools.h"
#include "bridge/value.h"
#include "bridge/variables.h"

#endif
