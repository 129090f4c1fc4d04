// Calls of code that is not ours: what unwinds out of it, a C++ exception or that of another language,
// ends here, and so does what it does to the calling thread.
//
// The functions take pointers without types: their callers know those of the plugin ABI.
#ifndef C_PLUGIN_CALLS_H
#define C_PLUGIN_CALLS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void (*plugin_function)(void);

// How a call ended.
enum plugin_end {
  PLUGIN_RETURNED = 0,
  // A C++ exception, or one of another language, left the function.
  PLUGIN_THREW = 1,
  // It was to end the calling thread (pthread_exit, pthread_cancel), which goes on.
  PLUGIN_ENDED_THREAD = 2,
  // It was to end the process (exit, _exit, _Exit, quick_exit), which goes on, and so does the thread.
  PLUGIN_ENDED_PROCESS = 3
};

// Parts of the calling thread's state that a call has changed, and that were put back.
enum {
  PLUGIN_CHANGED_ARITHMETIC = 1 << 0, // rounding, flush-to-zero, masks of exceptions
  PLUGIN_CHANGED_SIGNAL_MASK = 1 << 1,
  PLUGIN_CHANGED_LOCALE = 1 << 2,
  PLUGIN_CHANGED_SIGNAL_STACK = 1 << 3
};

// What to do when a plugin ends the host's thread that it runs on (pthread_exit, pthread_cancel), or the
// process: this module's exit, _exit, _Exit and quick_exit stand before those of the C library. The
// thread never returns from the call; it waits for ever. Without it the thread returns, for the host cannot
// do without it; but from then on the C library takes it for one that ends, and does not cancel it again.
typedef void (*plugin_abandoned)(void *context);

// What happened in a call beside its result.
struct plugin_report {
  plugin_abandoned abandoned; // set by the caller; may be NULL
  void *context;
  enum plugin_end end;
  uint32_t changed;
  int error; // errno after a native function; before it was 0
  char text[232]; // what the exception says of itself, terminated
};

// A copy of `bridge_str`.
struct plugin_text {
  const char *data;
  size_t length;
};

// Each calls a function of the type that its name says. Where it throws, the result is that of
// `otherwise`, 13 (INTERNAL) or NULL.
//
// Without `looks`, the signal mask and the alternate stack are looked at after a call that fails, and after
// one of 64 on the calling thread: that takes system calls.
int32_t plugin_call_run(plugin_function function, void *context, void *call, void *variables,
                        int looks, struct plugin_report *report);
int32_t plugin_call_entry(plugin_function function, const void *host, const void **plugin,
                          struct plugin_report *report);
int32_t plugin_call_init(plugin_function function, const void *host, struct plugin_text configuration,
                         struct plugin_report *report);
int32_t plugin_call_deinit(plugin_function function, struct plugin_report *report);
const void *plugin_call_extension(plugin_function function, struct plugin_text name,
                                  uint32_t revision, struct plugin_report *report);
int32_t plugin_call_taking(plugin_function function, void *context, const void *object,
                           struct plugin_report *report); // on_variable, on_chunk
void plugin_call_told(plugin_function function, void *context, void *object,
                      struct plugin_report *report); // on_change, on_end
void plugin_call_cancelled(plugin_function function, void *context, int32_t reason,
                           struct plugin_report *report);
void plugin_call_release(plugin_function function, void *context, struct plugin_report *report);

// Calls a function through libffi, whose `ffi_call` is handed in.
void plugin_call_native(void (*ffi_call)(void *, plugin_function, void *, void **), void *interface,
                        plugin_function function, void *result, void **arguments,
                        struct plugin_report *report);

// Makes a file in memory that can be loaded and sealed; -1 with errno as memfd_create(2).
int plugin_memory_file(const char *name);
// Seals one: nobody can write, shorten or lengthen it any more; see fcntl(2).
int plugin_seal(int file);

// Where a loaded shared object is in memory: what is added to the addresses in its file.
uintptr_t plugin_base(void *handle);

// The path that the loader has mapped a shared object from; NULL where it is not known. Valid as long as it is
// mapped. [any-thread]
const char *plugin_file(void *handle);
// Runs a constructor of a shared object, with the arguments that the loader gives it.
void plugin_call_constructor(plugin_function function, int count, char **arguments,
                             char **environment, struct plugin_report *report);

// What the calling thread's plugin called last to end the process, for example "exit"; NULL when it ended
// the thread alone.
const char *plugin_ended_process(void);

// What is to be done when a thread that a plugin has made ends the process. `object` is the file that its
// code is from, as the loader names it. The thread then waits for ever. Without it, and in children that
// were forked, the process ends. [any thread]
typedef void (*plugin_exiting)(const char *function, const char *object);
void plugin_when_exiting(plugin_exiting exiting);

// Loads a shared object, which runs its constructors; see dlopen(3).
void *plugin_open(const char *path, int flags, struct plugin_report *report);
// Lets go of one, which may run its destructors; see dlclose(3).
int plugin_close(void *handle, struct plugin_report *report);

#ifdef __cplusplus
}
#endif

#endif
