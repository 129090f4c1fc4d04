// One call of a tool: its parameters, its time, and the ways to answer it.
#ifndef BRIDGE_CALL_H
#define BRIDGE_CALL_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

// A call. The handle is valid from the start of the tool's function until the function returns, or,
// when the call was retained, until it is completed. A handle used later is answered with
// BRIDGE_FAILED_PRECONDITION; it is never followed as a pointer.
typedef struct bridge_call bridge_call;

// The right and duty to complete a call after its function has returned.
typedef struct bridge_token bridge_token;

// The wish to be told when a call is to end.
typedef struct bridge_listener bridge_listener;

// Unknown levels are taken for the nearest.
typedef uint32_t bridge_log_level;

enum {
  BRIDGE_LOG_DEBUG = 1,
  BRIDGE_LOG_INFO = 2,
  BRIDGE_LOG_WARNING = 3,
  BRIDGE_LOG_ERROR = 4
};

// Tells that a call is to end; `reason` is BRIDGE_CANCELLED or BRIDGE_DEADLINE_EXCEEDED.
// [cancel-callback]: a thread of the host, under no lock, once. It may use the call and its
// variables, complete the call, and forget its own listener. Be quick: others wait to be told.
typedef void (*bridge_on_cancel)(void *context, bridge_status reason);

// What a tool can do with its call. The host makes one table for its whole life.
// All functions: [any-thread] while the handle is valid.
typedef struct bridge_call_api {
  uint32_t size; // of this struct, as the host knows it
  uint32_t reserved;

  // Reads a parameter; defaults are filled in. BRIDGE_NOT_FOUND when an optional one is absent.
  // The value's views are valid until the call ends.
  bridge_status (*parameter)(const bridge_call *call, bridge_str name, bridge_value *value);

  // Reads the id of the caller's session. The view is valid until the call ends.
  bridge_status (*session_id)(const bridge_call *call, bridge_str *id);

  // Reads an entry of the request's metadata. The view is valid until the call ends.
  bridge_status (*metadata)(const bridge_call *call, bridge_str key, bridge_str *value);

  // Tells whether to go on: BRIDGE_OK, BRIDGE_CANCELLED or BRIDGE_DEADLINE_EXCEEDED.
  bridge_status (*check)(const bridge_call *call);

  // Reads the nanoseconds left until the deadline; INT64_MAX without one, 0 when it has passed.
  bridge_status (*remaining)(const bridge_call *call, int64_t *nanoseconds);

  // Sleeps until the call is cancelled, its deadline passes, or the time is over. Answers as `check`.
  bridge_status (*sleep)(const bridge_call *call, int64_t nanoseconds);

  // Reports how much is done, 0 to 1, with a text that may be empty. Answers as `check`, so a tool
  // that reports progress needs nothing else to be cancellable. Views are copied.
  bridge_status (*progress)(bridge_call *call, double fraction, bridge_str message);

  // Sets the result; the last one counts. The value is copied.
  bridge_status (*result)(bridge_call *call, const bridge_value *value);

  // Sets the result as `result` does, for large ones. What the value points to is the host's from
  // here on, whatever is answered; it calls `release` once when it is done with it.
  bridge_status (*give_result)(bridge_call *call, const bridge_value *value, bridge_release release,
                               void *context);

  // Sets bytes that are answered beside the result. They are the host's from here on, whatever is
  // answered; it calls `release` once when it is done with them.
  bridge_status (*give_binary)(bridge_call *call, const void *data, size_t length,
                               bridge_release release, void *context);

  // Adds an entry to the answer's metadata. Views are copied.
  bridge_status (*annotate)(bridge_call *call, bridge_str key, bridge_str value);

  // Streams one chunk: a value as JSON, or BYTES as they are. The value is copied.
  // BRIDGE_FULL: the client is slower than the tool; nothing was taken, see `wait_for_room`.
  // BRIDGE_FAILED_PRECONDITION: nobody streams from this call.
  bridge_status (*emit)(bridge_call *call, const bridge_value *chunk);

  // Waits until `emit` takes a chunk again. Answers as `check`.
  bridge_status (*wait_for_room)(bridge_call *call);

  // Says why the tool fails; the tool returns the same code afterwards. Views are copied.
  bridge_status (*fail)(bridge_call *call, const bridge_error *error);

  // Reads the detail of the last function of this call, or of its variables, that failed on the
  // calling thread. Set `error->size` before. Views are valid until the next failure on that thread.
  bridge_status (*last_error)(const bridge_call *call, bridge_error *error);

  // Writes a line to the host's log, with the names of tool and session. The view is copied.
  void (*log)(const bridge_call *call, bridge_log_level level, bridge_str message);

  // Reads what `keep_state` keeps for this plugin and the caller's session; BRIDGE_NOT_FOUND. It is
  // valid until the call ends.
  bridge_status (*state)(const bridge_call *call, void **state);

  // Keeps something for this plugin and the caller's session, and calls `release` with it once when
  // the session has ended and no call of it runs any more, or before the plugin's `deinit`. Where
  // something is kept already: BRIDGE_ALREADY_EXISTS, `kept` is that, and `state` stays the
  // caller's. `kept` may be NULL.
  bridge_status (*keep_state)(const bridge_call *call, void *state, bridge_release release,
                              void **kept);

  // Keeps the call open after its function returns BRIDGE_PENDING. The token is completed exactly
  // once. [call-thread]
  bridge_status (*retain)(bridge_call *call, bridge_token **token);

  // Ends a retained call, as if its function had returned `status` now. The call's and the token's
  // handles are not valid afterwards. No callback of the call runs after it has returned, with the
  // exceptions of `bridge_variables_api.unwatch`.
  bridge_status (*complete)(bridge_token *token, bridge_status status);

  // Asks to be told when the call is cancelled or its deadline passes. When that is so already, the
  // callback comes at once; it never runs inside this function, but may before this returns.
  // A listener that is not forgotten goes with the call. What `context` points to has to last until
  // `forget` or `complete` has returned: the return of the tool's function alone is too early.
  //
  //     static void wake(void *context, bridge_status reason) { eventfd_write(*(int *)context, 1); }
  //     ...
  //     bridge_listener *listener;
  //     bridge_status status = host->call->on_cancel(call, wake, &wakeup, &listener);
  //     if (status != BRIDGE_OK) return status;
  //     struct pollfd files[] = {{device, POLLIN, 0}, {wakeup, POLLIN, 0}};
  //     poll(files, 2, -1);
  //     host->call->forget(listener); // before `wakeup` goes
  //     if ((status = host->call->check(call)) != BRIDGE_OK) return status;
  bridge_status (*on_cancel)(const bridge_call *call, bridge_on_cancel on_cancel, void *context,
                             bridge_listener **listener);

  // Takes the wish back. After it returns the callback does not run, with the exceptions of
  // `bridge_variables_api.unwatch`.
  bridge_status (*forget)(bridge_listener *listener);
} bridge_call_api;

#ifdef __cplusplus
}
#endif

#endif
