// Calling other tools from a call.
#ifndef BRIDGE_TOOLS_H
#define BRIDGE_TOOLS_H

#include "call.h"

#ifdef __cplusplus
extern "C" {
#endif

// A call of another tool that a call has made.
typedef struct bridge_invocation bridge_invocation;

// Takes one chunk that the tool emits; while it works, the tool's stream is full. Anything but
// BRIDGE_OK cancels the tool. [reply-callback]: a thread of the host, one chunk at a time, in order,
// under no lock. `chunk` and its views are valid until the function returns.
typedef bridge_status (*bridge_on_chunk)(void *context, const bridge_value *chunk);

// Tells that the tool has ended: `outcome` now answers at once. It comes once, after the last chunk.
// [reply-callback]; it may drop the invocation.
typedef void (*bridge_on_end)(void *context, bridge_invocation *invocation);

// What is asked of a tool.
typedef struct bridge_request {
  uint32_t size;  // sizeof(bridge_request)
  uint32_t flags; // 0
  bridge_str tool;
  const bridge_argument *arguments; // checked like a client's; copied
  size_t argument_count;
  const bridge_pair *metadata; // beside the metadata of the caller's own request; copied
  size_t metadata_count;
  int64_t timeout; // nanoseconds; 0: until the caller's own deadline, which always holds
  bridge_on_chunk on_chunk; // NULL: what the tool emits is not wanted
  bridge_on_end on_end;     // may be NULL
  void *context;            // of both; has to last until `drop` or the end of the call
} bridge_request;

// How a tool ended.
typedef struct bridge_outcome {
  uint32_t size; // sizeof(bridge_outcome)
  bridge_status status;
  bridge_value value; // the result, when `status` is BRIDGE_OK
  bridge_str binary;  // bytes beside it
  const bridge_error *error; // why the tool failed, when `status` is something else
  const bridge_pair *metadata;
  size_t metadata_count;
} bridge_outcome;

// What a tool can do with other tools. All functions: [any-thread] while the call's handle is valid.
typedef struct bridge_tools_api {
  uint32_t size; // of this struct, as the host knows it
  uint32_t reserved;

  // Starts a call of another tool in the caller's session, and does not wait for it. The call ends
  // with its caller: at its deadline, when it is cancelled, and when it is over. Of a read-only tool
  // the called tool must be read-only too. BRIDGE_NOT_FOUND, BRIDGE_INVALID_ARGUMENT,
  // BRIDGE_FAILED_PRECONDITION (calls of calls of calls: too deep), BRIDGE_RESOURCE_EXHAUSTED.
  bridge_status (*invoke)(bridge_call *call, const bridge_request *request,
                          bridge_invocation **invocation);

  // Waits until the tool has ended and reads how. Set `outcome->size` before. Answers BRIDGE_OK
  // however the tool ended, and as `check` when the caller is to end first. Views are valid until the
  // invocation is dropped. Not inside `on_chunk`.
  bridge_status (*outcome)(bridge_invocation *invocation, bridge_outcome *outcome);

  // Ends with an invocation: cancels the tool if it runs, and does not wait for it. After it returns
  // no callback of it runs, with the exceptions of `bridge_variables_api.unwatch`. What is not
  // dropped goes with the call.
  bridge_status (*drop)(bridge_invocation *invocation);
} bridge_tools_api;

#ifdef __cplusplus
}
#endif

#endif
