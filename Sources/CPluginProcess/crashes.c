#define _GNU_SOURCE
#include "CPluginProcess.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

static int crash_channel = -1;
static const struct plugin_outgoing *crash_unsent;
static __thread uint64_t current_call;
static __thread void *handler_stack;

// Enough for the unwinder, which runs on it. SIGSTKSZ would be too little.
enum { handler_stack_size = 64 * 1024 };

uint64_t plugin_set_call(uint64_t call) {
  const uint64_t before = current_call;
  current_call = call;
  return before;
}

int plugin_enter_thread(void) {
  void *memory =
      mmap(NULL, handler_stack_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return -1;
  const stack_t stack = {.ss_sp = memory, .ss_size = handler_stack_size};
  if (sigaltstack(&stack, NULL) != 0) {
    munmap(memory, handler_stack_size);
    return -1;
  }
  handler_stack = memory;
  return 0;
}

void plugin_leave_thread(void) {
  const stack_t none = {.ss_flags = SS_DISABLE};
  if (handler_stack && sigaltstack(&none, NULL) == 0) munmap(handler_stack, handler_stack_size);
  handler_stack = NULL;
}

// MARK: The text, written with nothing that a signal handler must not call

static void add(struct plugin_crash *crash, const char *text) {
  size_t length = strlen(text);
  const size_t room = sizeof crash->text - crash->text_length;
  if (length > room) length = room;
  memcpy(crash->text + crash->text_length, text, length);
  crash->text_length += (uint32_t)length;
}

static void add_number(struct plugin_crash *crash, uintptr_t number) {
  char digits[2 * sizeof number + 3];
  char *place = digits + sizeof digits;
  *--place = 0;
  do {
    *--place = "0123456789abcdef"[number % 16];
    number /= 16;
  } while (number);
  *--place = 'x';
  *--place = '0';
  add(crash, place);
}

static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

// Plugins are loaded from copies in memory, which the loader knows by the numbers of their descriptors.
static void add_file(struct plugin_crash *crash, const char *path) {
  static const char beginning[] = "/memfd:", end[] = " (deleted)";
  char target[256];
  const ssize_t count = strncmp(path, "/proc/", 6) ? -1 : readlink(path, target, sizeof target - 1);
  if (count <= 0) return add(crash, last_part(path));
  target[count] = 0;
  const size_t tail = sizeof end - 1;
  if ((size_t)count > tail && !strcmp(target + count - tail, end)) target[count - tail] = 0;
  const size_t head = sizeof beginning - 1;
  add(crash, strncmp(target, beginning, head) ? last_part(target) : target + head);
}

static void add_frame(struct plugin_crash *crash, void *address) {
  Dl_info info;
  if (dladdr(address, &info) && info.dli_fname) {
    add_file(crash, info.dli_fname);
    if (info.dli_sname) {
      add(crash, " ");
      add(crash, info.dli_sname);
      add(crash, "+");
      add_number(crash, (uintptr_t)address - (uintptr_t)info.dli_saddr);
    } else {
      add(crash, "+");
      add_number(crash, (uintptr_t)address - (uintptr_t)info.dli_fbase);
    }
  } else {
    add_number(crash, (uintptr_t)address);
  }
  add(crash, "\n");
}

static void *instruction(void *context) {
  const ucontext_t *state = context;
#if defined(__x86_64__)
  return (void *)state->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
  return (void *)state->uc_mcontext.pc;
#else
  (void)state;
  return NULL;
#endif
}

static void tell(struct plugin_crash *crash) {
  const size_t size = offsetof(struct plugin_crash, text) + crash->text_length;
  plugin_send(crash_channel, crash, size, -1, 0);
}

static void handle(int number, siginfo_t *info, void *context) {
  // One thread tells. Another one that crashes meanwhile waits for the end of the process.
  static int is_telling;
  if (__atomic_exchange_n(&is_telling, 1, __ATOMIC_ACQ_REL))
    for (;;) pause();
  static struct plugin_crash crash;
  void *place = instruction(context);
  crash.kind = PLUGIN_CRASH_MESSAGE;
  crash.signal = number;
  crash.code = info->si_code;
  const int has_address = number == SIGSEGV || number == SIGBUS;
  crash.address = (uint64_t)(uintptr_t)(has_address ? info->si_addr : place);
  crash.call = current_call;
  const size_t unsent = crash_unsent ? __atomic_load_n(&crash_unsent->count, __ATOMIC_ACQUIRE) : 0;
  if (unsent) plugin_send(crash_channel, crash_unsent->bytes, unsent, -1, 0);
  // First without the stack: following one that is broken may be the end.
  tell(&crash);
  signal(number, SIG_DFL);
  void *frames[48];
  const int count = backtrace(frames, sizeof frames / sizeof *frames);
  int first = 0;
  // What lies above the place is this handler.
  while (first < count && frames[first] != place) first++;
  if (first == count) {
    add_frame(&crash, place);
    first = count > 2 ? 2 : count;
  }
  for (int index = first; index < count; index++) add_frame(&crash, frames[index]);
  tell(&crash);
  // As the signal would have ended it, with a core file where the system wants one.
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  raise(number);
  _exit(128 + number);
}

void plugin_install_crash_handler(int channel, const struct plugin_outgoing *unsent) {
  crash_channel = channel;
  crash_unsent = unsent;
  // The first call loads the unwinder, which a handler must not do.
  void *frames[2];
  backtrace(frames, 2);
  const struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
  for (size_t index = 0; index < sizeof signals / sizeof *signals; index++)
    sigaction(signals[index], &action, NULL);
}
