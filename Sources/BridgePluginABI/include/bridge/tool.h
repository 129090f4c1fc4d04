// What a plugin says of its tools.
#ifndef BRIDGE_TOOL_H
#define BRIDGE_TOOL_H

#include "call.h"
#include "variables.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { BRIDGE_PARAMETER_REQUIRED = 1u << 0 };

// One parameter. The host checks a call against it before the tool runs, and fills in the default.
typedef struct bridge_parameter {
  size_t size; // sizeof(bridge_parameter)
  bridge_str name;
  bridge_str description;
  bridge_type type;
  uint32_t flags;
  const bridge_value *default_value; // NULL: none
  bridge_str constraints;            // a JSON object as for a variable of that type, or empty
} bridge_parameter;

enum {
  BRIDGE_TOOL_STREAMS = 1u << 0,     // emits chunks
  BRIDGE_TOOL_DESTRUCTIVE = 1u << 1, // may destroy something
  BRIDGE_TOOL_IDEMPOTENT = 1u << 2   // calling it twice does what calling it once does
};

// How many calls of a tool may run at once.
typedef uint32_t bridge_threading;

enum {
  BRIDGE_SERIAL = 1,  // one call at a time of all the plugin's serial tools
  BRIDGE_PARALLEL = 2 // any number
};

// A tool. Descriptors and all they point to stay as they are for as long as the plugin is loaded.
typedef struct bridge_tool {
  size_t size; // sizeof(bridge_tool)
  bridge_str name; // 1 to 128 of [A-Za-z0-9_.-]
  bridge_str description;
  uint32_t flags;
  bridge_threading threading;
  const bridge_parameter *const *parameters;
  size_t parameter_count;

  // The variables it says it uses; names or patterns with `*`. Where one of the lists is not empty,
  // reading (and watching) outside `reads` and `writes`, or writing outside `writes`, is
  // BRIDGE_PERMISSION_DENIED.
  const bridge_str *reads;
  size_t read_count;
  const bridge_str *writes;
  size_t write_count;

  // Handed to `run`.
  void *context;

  // Runs one call and returns its status; with anything but BRIDGE_OK, `bridge_call_api.fail` says
  // why. BRIDGE_PENDING after `retain`. Nothing may unwind out of it. Exactly one of the two is
  // set; a tool with `run_read_only` cannot write. [call-thread]: a worker of the host, which it
  // may keep for as long as the call lasts.
  bridge_status (*run)(void *context, bridge_call *call, bridge_variables *variables);
  bridge_status (*run_read_only)(void *context, bridge_call *call,
                                 const bridge_variables *variables);
} bridge_tool;

#ifdef __cplusplus
}
#endif

#endif
