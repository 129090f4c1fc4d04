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
  uint32_t size; // sizeof(bridge_parameter)
  uint32_t flags;
  bridge_str name; // 1 to 128 of [A-Za-z0-9_.-]
  bridge_str description;
  bridge_type type;
  uint32_t reserved;                 // 0
  const bridge_value *default_value; // NULL: none
  bridge_str constraints; // of a variable type: a JSON object as for a variable, or empty
  bridge_str schema;      // of OBJECT, ARRAY and ANY: a JSON Schema (2020-12), or empty
  // Grown.
  uint64_t next_number;
  const char *next_text;
} bridge_parameter;

// What a tool answers.
typedef struct bridge_output {
  uint32_t size; // sizeof(bridge_output)
  bridge_type type; // BRIDGE_TYPE_NULL: the tool has no result
  bridge_str description;
  bridge_str constraints; // as of a parameter
  bridge_str schema;      // as of a parameter
  // Grown.
  uint64_t next_number;
  const char *next_text;
} bridge_output;

enum {
  BRIDGE_TOOL_STREAMS = 1u << 0,     // emits chunks
  BRIDGE_TOOL_DESTRUCTIVE = 1u << 1, // may destroy something
  BRIDGE_TOOL_IDEMPOTENT = 1u << 2,  // calling it twice does what calling it once does
  BRIDGE_TOOL_OPEN_WORLD = 1u << 3,  // deals with things outside host and session, as the network
  // Its writes of variables are held back until it succeeds, then made together at one revision; none
  // is made when it fails or is cancelled. A host that cannot do that refuses the plugin.
  BRIDGE_TOOL_ATOMIC = 1u << 4,
  // Takes microseconds and never waits: the host may run it on a thread that others wait for.
  BRIDGE_TOOL_QUICK = 1u << 5
};

// Which calls of a tool may run at once.
typedef uint32_t bridge_threading;

enum {
  BRIDGE_SERIAL = 1,  // one call at a time of all the plugin's serial tools
  BRIDGE_PARALLEL = 2 // any number
};

// A tool. Descriptors and all they point to stay as they are for as long as the plugin is loaded.
typedef struct bridge_tool {
  uint32_t size; // sizeof(bridge_tool)
  uint32_t flags;
  bridge_str name;  // 1 to 128 of [A-Za-z0-9_.-]
  bridge_str title; // for people; may be empty
  bridge_str description;
  bridge_threading threading;
  uint32_t concurrency; // at most so many calls at once; 0: no limit of its own
  const bridge_parameter *const *parameters;
  size_t parameter_count;
  const bridge_output *output; // NULL: says nothing of it

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
  // why. BRIDGE_PENDING after `retain`. Exactly one of the two is set; a tool with `run_read_only`
  // cannot write. [call-thread]: a worker of the host, which it may keep for as long as the call
  // lasts.
  bridge_status (*run)(void *context, bridge_call *call, bridge_variables *variables);
  bridge_status (*run_read_only)(void *context, bridge_call *call,
                                 const bridge_variables *variables);
  // Grown.
  uint64_t next_number;
  const char *next_text;
} bridge_tool;

#ifdef __cplusplus
}
#endif

#endif
