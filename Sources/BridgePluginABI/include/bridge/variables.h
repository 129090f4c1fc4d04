// The variables of the caller's session.
#ifndef BRIDGE_VARIABLES_H
#define BRIDGE_VARIABLES_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

// The variables of the session a call belongs to; valid as long as the call's handle. Functions
// that write need a handle that is not const: a read-only tool is given a const one.
typedef struct bridge_variables bridge_variables;

// One version of one variable, kept for the caller.
typedef struct bridge_snapshot bridge_snapshot;

// A subscription.
typedef struct bridge_watch bridge_watch;

// What is known of a version beside its value, for those who ask with BRIDGE_WITH_DETAILS.
typedef struct bridge_details {
  uint32_t size;     // sizeof(bridge_details)
  uint32_t reserved; // 0
  int64_t written_at; // nanoseconds since 1970 UTC
  bridge_str writer;  // who wrote the version, as "tool:scale" or "elixir"
  bridge_str constraints; // a JSON object, or empty
  const bridge_pair *metadata;
  size_t metadata_count;
} bridge_details;

// One version of a variable.
typedef struct bridge_variable {
  uint32_t size; // sizeof(bridge_variable)
  int32_t version;
  int64_t revision; // of the session, when the version was written
  bridge_str id;
  bridge_str name;
  bridge_value value; // of the variable's type
  const bridge_details *details; // NULL unless asked for
} bridge_variable;

enum { BRIDGE_WITH_DETAILS = 1u << 0 };

typedef uint32_t bridge_change_kind;

enum {
  BRIDGE_CHANGE_INITIAL = 1, // a variable as it was when the watch began
  BRIDGE_CHANGE_SYNCED = 2,  // all initial values have come; no variable
  BRIDGE_CHANGE_VALUE = 3,   // a new version; the first one when there was no variable before
  BRIDGE_CHANGE_DELETED = 4, // the variable is gone; the last version
  BRIDGE_CHANGE_ENDED = 5,   // the watch is over; no variable; nothing follows
  // The version stays as it is:
  BRIDGE_CHANGE_DEPENDENCY = 6,  // something the variable depends on changed
  BRIDGE_CHANGE_OPTIMIZATION = 7 // an optimizer locked the variable or let go of it
  // More kinds may follow: pass over those you do not know.
};

// One change that a watch reports.
typedef struct bridge_change {
  uint32_t size; // sizeof(bridge_change)
  bridge_change_kind kind;
  int64_t revision;
  int64_t time; // nanoseconds since 1970 UTC; 0 where there is no variable
  const bridge_variable *variable; // NULL where the kind says so
  const bridge_variable *previous; // the version before; NULL where there is none
  // Of BRIDGE_CHANGE_ENDED: cleanup, expired, shutdown, behind. Of BRIDGE_CHANGE_DEPENDENCY: the
  // name of the variable that changed. Of BRIDGE_CHANGE_OPTIMIZATION: started, stopped, forced,
  // expired.
  bridge_str cause;
} bridge_change;

// Takes one change. [watch-callback]: a thread of the host, one change at a time, in order, and
// under no lock. `change` and its views are valid until the function returns. It may use the
// variables and the call, and it may unwatch.
typedef void (*bridge_on_change)(void *context, const bridge_change *change);

// Takes one variable of a listing; anything but BRIDGE_OK ends the listing. [call-thread]
typedef bridge_status (*bridge_on_variable)(void *context, const bridge_variable *variable);

enum {
  BRIDGE_WRITE_CHECK_ONLY = 1u << 0 // writes nothing: only holds the variable to `expected_version`
};

// One write.
typedef struct bridge_write {
  uint32_t size; // sizeof(bridge_write)
  uint32_t flags;
  bridge_str identifier;
  bridge_value value;
  int32_t expected_version; // 0: any. Another: write only if the variable still has it
  uint32_t reserved;        // 0
  const bridge_pair *metadata; // noted with the version
  size_t metadata_count;
  // NULL: the value is copied. Else what it points to is the host's from here on, whatever is
  // answered; it calls `release` once when it is done with it.
  bridge_release release;
  void *context;
} bridge_write;

// A variable that is to be made.
typedef struct bridge_creation {
  uint32_t size; // sizeof(bridge_creation)
  bridge_type type;
  bridge_str name;
  bridge_value value;
  bridge_str constraints; // a JSON object, or empty
  const bridge_pair *metadata; // of the variable
  size_t metadata_count;
} bridge_creation;

enum {
  // Beside BRIDGE_WITH_DETAILS:
  BRIDGE_WATCH_INITIAL = 1u << 1 // report the variables as they are first
};

// What a watch is to report, and to whom.
typedef struct bridge_subscription {
  uint32_t size; // sizeof(bridge_subscription)
  uint32_t flags;
  const bridge_str *identifiers; // names, ids and patterns; none stand for everything
  size_t identifier_count;
  bridge_on_change on_change;
  void *context;
} bridge_subscription;

// What a tool can do with variables. A variable is found by its name or its id. Views and values
// handed over are copied unless it is said otherwise.
// All functions: [any-thread] while the handle is valid.
typedef struct bridge_variables_api {
  uint32_t size; // of this struct, as the host knows it
  uint32_t reserved;

  // Reads a variable: a snapshot of its present version, with details where `flags` ask for them.
  // Release it; what is not released goes with the call. BRIDGE_NOT_FOUND.
  bridge_status (*get)(const bridge_variables *variables, bridge_str identifier, uint32_t flags,
                       bridge_snapshot **snapshot);

  // Looks into a snapshot. Set `variable->size` before. Views are valid until it is released.
  bridge_status (*read)(const bridge_snapshot *snapshot, bridge_variable *variable);

  // Gives a snapshot back.
  bridge_status (*release)(bridge_snapshot *snapshot);

  // Lists variables, oldest first; `*` in the pattern stands for any run of characters, and an
  // empty pattern for all. `flags` may ask for details.
  bridge_status (*list)(const bridge_variables *variables, bridge_str pattern, uint32_t flags,
                        bridge_on_variable on_variable, void *context);

  // Writes a variable. BRIDGE_ABORTED: it has another version than expected. `version`, the one
  // that was written, may be NULL.
  // BRIDGE_NOT_FOUND, BRIDGE_INVALID_ARGUMENT, BRIDGE_PERMISSION_DENIED.
  bridge_status (*set)(bridge_variables *variables, const bridge_write *write, int32_t *version);

  // Makes several writes, all or none, at one revision. `versions`, one a write, may be NULL.
  bridge_status (*set_all)(bridge_variables *variables, const bridge_write *const *writes,
                           size_t count, int32_t *versions);

  // Creates a variable. BRIDGE_ALREADY_EXISTS, BRIDGE_INVALID_ARGUMENT, BRIDGE_PERMISSION_DENIED.
  bridge_status (*create)(bridge_variables *variables, const bridge_creation *creation);

  // Removes a variable.
  bridge_status (*remove)(bridge_variables *variables, bridge_str identifier);

  // Subscribes. Names need not exist yet. Changes come as they are committed, after the initial
  // values where they are asked for. A watch that is not ended goes with the call.
  bridge_status (*watch)(const bridge_variables *variables, const bridge_subscription *subscription,
                         bridge_watch **watch);

  // Ends a subscription. After it returns no callback of it runs: it waits for one that does, on
  // another thread. There are two exceptions, in both of which the callback that runs is the last:
  //   * Inside that very callback it returns at once.
  //   * Inside another callback, of a watch, a listener or an invocation of any call, it does not
  //     wait for one that itself waits for this one, in `unwatch`, `forget`, `drop` or `complete`,
  //     directly or through others: neither would ever go on. The callback not waited for has begun,
  //     and goes on when this one has returned. So what callbacks that end each other share belongs
  //     to the last of them: count references, and take one as the first thing in a callback.
  // From outside callbacks it always waits, so a callback must not wait for such a caller.
  bridge_status (*unwatch)(bridge_watch *watch);
} bridge_variables_api;

#ifdef __cplusplus
}
#endif

#endif
