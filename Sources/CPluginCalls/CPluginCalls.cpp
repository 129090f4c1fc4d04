#include "CPluginCalls.h"

#include <atomic>
#include <cxxabi.h>
#include <dlfcn.h>
#include <errno.h>
#include <exception>
#include <fcntl.h>
#include <type_traits>
#include <typeinfo>
#include <link.h>
#include <locale.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace {

// The floating-point modes of the calling thread; no flags of past operations.
struct Arithmetic {
#if defined(__x86_64__)
  // The flags are the low six bits.
  unsigned sse = _mm_getcsr() & ~0x3Fu;
  unsigned short x87 = control_word();

  static unsigned short control_word() {
    unsigned short word;
    __asm__ volatile("fnstcw %0" : "=m"(word));
    return word;
  }
  bool operator==(const Arithmetic &other) const { return sse == other.sse && x87 == other.x87; }
  void restore() const {
    _mm_setcsr(sse);
    __asm__ volatile("fldcw %0" : : "m"(x87));
  }
#elif defined(__aarch64__)
  unsigned long long control = read();

  static unsigned long long read() {
    unsigned long long control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    return control;
  }
  bool operator==(const Arithmetic &other) const { return control == other.control; }
  void restore() const { __asm__ volatile("msr fpcr, %0" : : "r"(control)); }
#else
#error "the floating-point modes of this machine are not known here"
#endif
};

// The state of the calling thread that code which is not ours may change and that costs no system call
// to look at.
class CheapState {
  Arithmetic arithmetic;
  locale_t locale = uselocale(static_cast<locale_t>(nullptr));

public:
  // Puts back what is not as it was.
  uint32_t restore() const {
    uint32_t changed = 0;
    if (!(Arithmetic() == arithmetic)) {
      arithmetic.restore();
      changed |= PLUGIN_CHANGED_ARITHMETIC;
    }
    if (uselocale(static_cast<locale_t>(nullptr)) != locale) {
      uselocale(locale);
      changed |= PLUGIN_CHANGED_LOCALE;
    }
    return changed;
  }
};

// The rest of it.
class SignalState {
  stack_t stack;
  sigset_t mask;

  // The kernel's part of a set is one bit a signal; the C library leaves the rest as it was.
  static bool same(const sigset_t &a, const sigset_t &b) {
    return memcmp(&a, &b, (NSIG - 1) / 8) == 0;
  }

public:
  SignalState() {
    sigaltstack(nullptr, &stack);
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  }

  // Puts back what is not as it was.
  uint32_t restore() const {
    uint32_t changed = 0;
    const SignalState now;
    if (!same(now.mask, mask)) {
      pthread_sigmask(SIG_SETMASK, &mask, nullptr);
      changed |= PLUGIN_CHANGED_SIGNAL_MASK;
    }
    if (now.stack.ss_sp != stack.ss_sp || now.stack.ss_flags != stack.ss_flags) {
      sigaltstack(&stack, nullptr);
      changed |= PLUGIN_CHANGED_SIGNAL_STACK;
    }
    return changed;
  }
};

// What callbacks are given: they are many, and small.
struct Callback {
  CheapState cheap;
  uint32_t restore() const { return cheap.restore(); }
};

// What a tool is given. The host never changes the signals of a thread that runs tools: they are looked
// at once.
struct ToolRun {
  CheapState cheap;
  static const SignalState &signals() {
    static thread_local const SignalState state;
    return state;
  }
  ToolRun() { signals(); }
  uint32_t restore() const { return cheap.restore() | signals().restore(); }
};

// What a tool is given that promises to be quick: its signals cost two system calls to look at.
struct QuickRun {
  CheapState cheap;
  QuickRun() { ToolRun::signals(); }
  uint32_t restore() const { return cheap.restore(); }

  // Whether it is time to look at the signals, too.
  static bool is_due() {
    static thread_local unsigned calls = 0;
    return ++calls % 64 == 0;
  }
};

// What is given to code that is loaded or let go of.
struct Loading {
  CheapState cheap;
  SignalState signals;
  uint32_t restore() const { return cheap.restore() | signals.restore(); }
};

void tell(plugin_report *report, const char *kind, const char *what) {
  report->end = PLUGIN_THREW;
  strncpy(report->text, kind, sizeof report->text - 1);
  report->text[sizeof report->text - 1] = 0;
  if (what) {
    strncat(report->text, ": ", sizeof report->text - 1 - strlen(report->text));
    strncat(report->text, what, sizeof report->text - 1 - strlen(report->text));
  }
}

void tell_current(plugin_report *report, const char *what) {
  // Of other languages' exceptions there is no type: what is in its place is not theirs either.
  const bool is_ours = static_cast<bool>(std::current_exception());
  const std::type_info *type = is_ours ? abi::__cxa_current_exception_type() : nullptr;
  if (!type) return tell(report, "an exception of another language", nullptr);
  int status = 0;
  char *name = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
  tell(report, name ? name : type->name(), what);
  free(name);
}

// What the C++ runtime knows of the calling thread's exceptions: those that are caught, and how many fly.
//
// Source: Itanium C++ ABI: Exception Handling, 2.2.2.
class CaughtExceptions {
  struct {
    void *caught;
    unsigned uncaught;
  } content;

public:
  CaughtExceptions() { memcpy(&content, abi::__cxa_get_globals(), sizeof content); }
  void restore() const { memcpy(abi::__cxa_get_globals(), &content, sizeof content); }
};

// A call of code that is not ours which may end without returning.
struct Leavable {
  plugin_report *report;
  jmp_buf *here;
};

// The innermost of the calling thread; none while the loader is locked, which would stay so.
thread_local const Leavable *leavable = nullptr;
// What was called last to end the process.
thread_local const char *ended_process = nullptr;

// Loading by the system's loader.
struct LockedLoading : Loading {};
template <typename State> constexpr bool may_leave = !std::is_same<State, LockedLoading>::value;

enum { LEFT_THREAD = 1, LEFT_PROCESS = 2 };

template <typename State, typename Result, typename Body>
Result guarded(plugin_report *report, Result otherwise, Body body) {
  report->end = PLUGIN_RETURNED;
  report->changed = 0;
  report->text[0] = 0;
  const State state;
  const CaughtExceptions exceptions;
  const Leavable *const outer = leavable;
  jmp_buf here;
  if (const int left = _setjmp(here)) {
    leavable = outer;
    exceptions.restore();
    report->end = left == LEFT_THREAD ? PLUGIN_ENDED_THREAD : PLUGIN_ENDED_PROCESS;
    report->changed = state.restore();
    return otherwise;
  }
  const Leavable call{report, &here};
  leavable = may_leave<State> ? &call : nullptr;
  Result result = otherwise;
  try {
    result = body();
  } catch (abi::__forced_unwind &) {
    // What the C library unwinds ends the process when it is caught and goes no further, and the host's
    // frames are not for it. So either the thread stays here, or it leaves without ending the catch; there
    // is nothing to destroy between the two.
    ended_process = nullptr;
    leavable = nullptr;
    if (!report->abandoned) _longjmp(here, LEFT_THREAD);
    state.restore();
    report->abandoned(report->context);
    for (;;) pause();
  } catch (const std::exception &error) {
    tell_current(report, error.what());
  } catch (...) {
    tell_current(report, nullptr);
  }
  leavable = outer;
  report->changed = state.restore();
  return result;
}

template <typename Type> Type as(plugin_function function) {
  return reinterpret_cast<Type>(function);
}

const int32_t internal = 13;

using Exit = void (*)(int);

// Found at the start: children of a process with threads must not look for anything.
struct Process {
  pid_t id = getpid();
  Exit exit = reinterpret_cast<Exit>(dlsym(RTLD_NEXT, "exit"));
  Exit quick_exit = reinterpret_cast<Exit>(dlsym(RTLD_NEXT, "quick_exit"));
};

const Process &process() {
  static const Process process;
  return process;
}

[[gnu::constructor]] void find_process() { process(); }

std::atomic<plugin_exiting> when_exiting{nullptr};

// Somebody is about to end the process: returns when that is to happen.
void leave(const char *function, const void *caller) {
  if (getpid() != process().id) return;
  if (const Leavable *call = leavable) {
    ended_process = function;
    leavable = nullptr;
    // What unwinds is not asked for: who calls exit does not expect it.
    if (!call->report->abandoned) _longjmp(*call->here, LEFT_PROCESS);
    call->report->abandoned(call->report->context);
    for (;;) pause();
  }
  const plugin_exiting exiting = when_exiting;
  Dl_info theirs, ours;
  if (!exiting || !dladdr(caller, &theirs) ||
      !dladdr(reinterpret_cast<const void *>(&find_process), &ours) ||
      theirs.dli_fbase == ours.dli_fbase)
    return;
  exiting(function, theirs.dli_fname ? theirs.dli_fname : "");
  for (;;) pause();
}

[[noreturn]] void end_process(int status) {
  for (;;) syscall(SYS_exit_group, status);
}

} // namespace

// The dynamic loader takes these before those of the C library, wherever a plugin calls them.

extern "C" void exit(int status) noexcept {
  leave("exit", __builtin_return_address(0));
  process().exit(status);
  __builtin_unreachable();
}

extern "C" void quick_exit(int status) noexcept {
  leave("quick_exit", __builtin_return_address(0));
  process().quick_exit(status);
  __builtin_unreachable();
}

extern "C" void _exit(int status) {
  leave("_exit", __builtin_return_address(0));
  end_process(status);
}

extern "C" void _Exit(int status) noexcept {
  leave("_Exit", __builtin_return_address(0));
  end_process(status);
}

const char *plugin_ended_process(void) { return ended_process; }

void plugin_when_exiting(plugin_exiting exiting) { when_exiting = exiting; }

int32_t plugin_call_run(plugin_function function, void *context, void *call, void *variables,
                        int looks, plugin_report *report) {
  const auto body = [=] {
    return as<int32_t (*)(void *, void *, void *)>(function)(context, call, variables);
  };
  if (looks || QuickRun::is_due()) return guarded<ToolRun>(report, internal, body);
  const int32_t status = guarded<QuickRun>(report, internal, body);
  if (status != 0) report->changed |= ToolRun::signals().restore();
  return status;
}

int32_t plugin_call_entry(plugin_function function, const void *host, const void **plugin,
                          plugin_report *report) {
  return guarded<Loading>(report, internal, [=] {
    return as<int32_t (*)(const void *, const void **)>(function)(host, plugin);
  });
}

int32_t plugin_call_init(plugin_function function, const void *host, plugin_text configuration,
                         plugin_report *report) {
  return guarded<Loading>(report, internal, [=] {
    return as<int32_t (*)(const void *, plugin_text)>(function)(host, configuration);
  });
}

int32_t plugin_call_deinit(plugin_function function, plugin_report *report) {
  return guarded<Loading>(report, internal, [=] { return as<int32_t (*)()>(function)(); });
}

const void *plugin_call_extension(plugin_function function, plugin_text name, uint32_t revision,
                                  plugin_report *report) {
  return guarded<Callback>(report, static_cast<const void *>(nullptr), [=] {
    return as<const void *(*)(plugin_text, uint32_t)>(function)(name, revision);
  });
}

int32_t plugin_call_taking(plugin_function function, void *context, const void *object,
                           plugin_report *report) {
  return guarded<Callback>(report, internal, [=] {
    return as<int32_t (*)(void *, const void *)>(function)(context, object);
  });
}

void plugin_call_told(plugin_function function, void *context, void *object,
                      plugin_report *report) {
  guarded<Callback>(report, 0, [=] {
    as<void (*)(void *, void *)>(function)(context, object);
    return 0;
  });
}

void plugin_call_cancelled(plugin_function function, void *context, int32_t reason,
                           plugin_report *report) {
  guarded<Callback>(report, 0, [=] {
    as<void (*)(void *, int32_t)>(function)(context, reason);
    return 0;
  });
}

void plugin_call_release(plugin_function function, void *context, plugin_report *report) {
  guarded<Callback>(report, 0, [=] {
    as<void (*)(void *)>(function)(context);
    return 0;
  });
}

void plugin_call_native(void (*ffi_call)(void *, plugin_function, void *, void **), void *interface,
                        plugin_function function, void *result, void **arguments,
                        plugin_report *report) {
  guarded<ToolRun>(report, 0, [=] {
    errno = 0;
    ffi_call(interface, function, result, arguments);
    report->error = errno;
    return 0;
  });
}

int plugin_memory_file(const char *name) {
  // Older C libraries do not have the name, older kernels not the flag, and hardened ones demand it.
  const unsigned executable = 0x10;
  const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  const int file = memfd_create(name, flags | executable);
  return file < 0 && errno == EINVAL ? memfd_create(name, flags) : file;
}

int plugin_seal(int file) {
  return fcntl(file, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
}

uintptr_t plugin_base(void *handle) {
  link_map *map = nullptr;
  return dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 ? map->l_addr : 0;
}

const char *plugin_file(void *handle) {
  link_map *map = nullptr;
  return dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 ? map->l_name : nullptr;
}

void plugin_call_constructor(plugin_function function, int count, char **arguments,
                             char **environment, plugin_report *report) {
  guarded<Loading>(report, 0, [=] {
    as<void (*)(int, char **, char **)>(function)(count, arguments, environment);
    return 0;
  });
}

void *plugin_open(const char *path, int flags, plugin_report *report) {
  return guarded<LockedLoading>(
      report, static_cast<void *>(nullptr), [=] { return dlopen(path, flags); });
}

int plugin_close(void *handle, plugin_report *report) {
  return guarded<LockedLoading>(report, -1, [=] { return dlclose(handle); });
}
