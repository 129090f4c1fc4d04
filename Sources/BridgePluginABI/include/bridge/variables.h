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

// What is known of a version.
typedef struct bridge_variable {
  uint32_t size; // sizeof(bridge_variable), set by whoever makes it
  int32_t version;
  int64_t revision; // of the session, when the version was written
  bridge_str id;
  bridge_str name;
  bridge_value value;
} bridge_variable;

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
  uint32_t size;
  bridge_change_kind kind;
  int64_t revision;
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

// One write of a batch.
typedef struct bridge_write {
  uint32_t size;            // sizeof(bridge_write)
  int32_t expected_version; // 0: no check
  bridge_str identifier;
  bridge_value value;
} bridge_write;

// What a tool can do with variables. A variable is found by its name or its id.
// All functions: [any-thread] while the handle is valid.
typedef struct bridge_variables_api {
  size_t size; // of this struct, as the host knows it

  // Reads a variable: a snapshot of its present version. Release it; what is not released goes with
  // the call. BRIDGE_NOT_FOUND.
  bridge_status (*get)(const bridge_variables *variables, bridge_str identifier,
                       bridge_snapshot **snapshot);

  // Looks into a snapshot. Views are valid until it is released.
  bridge_status (*read)(const bridge_snapshot *snapshot, bridge_variable *variable);

  // Gives a snapshot back.
  bridge_status (*release)(bridge_snapshot *snapshot);

  // Lists variables, oldest first; `*` in the pattern stands for any run of characters, and an
  // empty pattern for all.
  bridge_status (*list)(const bridge_variables *variables, bridge_str pattern,
                        bridge_on_variable on_variable, void *context);

  // Writes a variable. With expected_version other than 0 only if it still has that version, else
  // BRIDGE_ABORTED. `version` may be NULL. The value is copied.
  // BRIDGE_NOT_FOUND, BRIDGE_INVALID_ARGUMENT, BRIDGE_PERMISSION_DENIED.
  bridge_status (*set)(bridge_variables *variables, bridge_str identifier,
                       const bridge_value *value, int32_t expected_version, int32_t *version);

  // Writes several variables, all or none, at one revision.
  bridge_status (*set_all)(bridge_variables *variables, const bridge_write *writes, size_t count);

  // Creates a variable. `constraints` is a JSON object or empty. The value is copied.
  // BRIDGE_ALREADY_EXISTS, BRIDGE_INVALID_ARGUMENT.
  bridge_status (*create)(bridge_variables *variables, bridge_str name, bridge_type type,
                          const bridge_value *value, bridge_str constraints);

  // Removes a variable.
  bridge_status (*remove)(bridge_variables *variables, bridge_str identifier);

  // Subscribes to names, ids and patterns; none stand for everything. Names need not exist yet.
  // Changes come as they are committed, after the initial values when `initial` is 1. A watch that
  // is not ended goes with the call.
  bridge_status (*watch)(const bridge_variables *variables, const bridge_str *identifiers,
                         size_t count, uint8_t initial, bridge_on_change on_change, void *context,
                         bridge_watch **watch);

  // Ends a subscription. After it returns no callback of it runs: it waits for one that does, on
  // another thread. There are two exceptions, in both of which the callback that runs is the last:
  //   * Inside that very callback it returns at once.
  //   * Inside another callback, of a watch or a listener of any call, it does not wait for one that
  //     itself waits for this one, in `unwatch`, `forget` or `complete`, directly or through others:
  //     neither would ever go on. The callback not waited for has begun, and goes on when this one
  //     has returned. So what callbacks that end each other share belongs to the last of them: count
  //     references, and take one as the first thing in a callback.
  // From outside callbacks it always waits, so a callback must not wait for such a caller.
  bridge_status (*unwatch)(bridge_watch *watch);
} bridge_variables_api;

#ifdef __cplusplus
}
#endif

#endif
