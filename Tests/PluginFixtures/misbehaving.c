// Tools that do the worst that a process can do to itself, and to those around it.
#define _GNU_SOURCE
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOOL_FUNCTION(name) static bridge_status name(void *c, bridge_call *call, bridge_variables *v)
#define UNUSED (void)c, (void)call, (void)v

TOOL_FUNCTION(fine) {
  UNUSED;
  return answer(call, getpid());
}

// A function with a name of its own, to be found in the stack.
__attribute__((noinline, visibility("default"))) void touch_what_is_not_there(volatile int *place) {
  *place = 1;
}

TOOL_FUNCTION(segfault) {
  UNUSED;
  touch_what_is_not_there((volatile int *)0x10);
  return BRIDGE_OK;
}

TOOL_FUNCTION(call_abort) {
  UNUSED;
  abort();
}

TOOL_FUNCTION(illegal) {
  UNUSED;
  __builtin_trap();
}

TOOL_FUNCTION(divide) {
  UNUSED;
  raise(SIGFPE);
  return BRIDGE_OK;
}

static volatile int is_endless = 1;

static int depth(volatile char *above) {
  volatile char here[4096];
  here[0] = above[0];
  return is_endless ? depth(here) + here[0] : 0;
}

TOOL_FUNCTION(overflow_stack) {
  UNUSED;
  volatile char first = 1;
  return depth(&first) == 7 ? BRIDGE_OK : BRIDGE_INTERNAL;
}

TOOL_FUNCTION(call_exit) {
  UNUSED;
  exit(3);
}

TOOL_FUNCTION(exit_at_once) {
  UNUSED;
  _exit(4);
}

TOOL_FUNCTION(exec_other) {
  UNUSED;
  execl("/bin/sh", "sh", "-c", "exit 5", (char *)NULL);
  return BRIDGE_INTERNAL;
}

TOOL_FUNCTION(loop_for_ever) {
  UNUSED;
  for (volatile int number = 0;; number++) {}
}

TOOL_FUNCTION(lock_twice) {
  UNUSED;
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&lock);
  pthread_mutex_lock(&lock);
  return BRIDGE_OK;
}

// Takes memory until there is none.
TOOL_FUNCTION(take_memory) {
  UNUSED;
  for (;;) {
    char *part = malloc(16 << 20);
    if (!part) return BRIDGE_RESOURCE_EXHAUSTED;
    for (size_t place = 0; place < 16 << 20; place += 4096) part[place] = 1;
  }
}

TOOL_FUNCTION(take_files) {
  UNUSED;
  int count = 0;
  while (open("/dev/null", O_RDONLY) >= 0) count++;
  return answer(call, count);
}

TOOL_FUNCTION(close_everything) {
  UNUSED;
  for (int file = 0; file < 256; file++) close(file);
  return answer(call, 1);
}

TOOL_FUNCTION(write_garbage) {
  UNUSED;
  static const char garbage[] = "\x01\xff\xff\xff\xff what is this?";
  send(3, garbage, sizeof garbage, MSG_NOSIGNAL);
  for (;;) pause();
}

TOOL_FUNCTION(kill_family) {
  UNUSED;
  // Everybody that is in the group of the process above.
  const pid_t group = getpgid(getppid());
  if (group > 1) kill(-group, SIGKILL);
  for (;;) pause();
}

TOOL_FUNCTION(kill_parent) {
  UNUSED;
  kill(getppid(), SIGKILL);
  for (;;) pause();
}

// Leaves a process behind that has the channel open, and one in another session.
TOOL_FUNCTION(leave_processes) {
  UNUSED;
  pid_t child = fork();
  if (child == 0) {
    if (fork() == 0) setsid();
    for (;;) pause();
  }
  return answer(call, child);
}

TOOL_FUNCTION(leave_and_crash) {
  leave_processes(c, call, v);
  return segfault(c, call, v);
}

TOOL_FUNCTION(answer_much) {
  UNUSED;
  const size_t size = 64 << 20;
  char *data = calloc(1, size);
  data[size - 1] = 'x';
  bridge_value value;
  memset(&value, 0, sizeof value);
  value.type = BRIDGE_TYPE_BYTES;
  value.as.text.data = data;
  value.as.text.length = size;
  return host->call->give_result(call, &value, free, data);
}

struct late {
  bridge_call *call;
  bridge_variables *variables;
};

static void *use_late(void *context) {
  struct late late = *(struct late *)context;
  free(context);
  usleep(20000);
  for (int number = 0; number < 100; number++) {
    answer(late.call, 666);
    host->call->progress(late.call, 0.5, view("late"));
  }
  return NULL;
}

// Another thread goes on with the call when it is over.
TOOL_FUNCTION(write_after_return) {
  UNUSED;
  struct late *late = malloc(sizeof *late);
  *late = (struct late){call, v};
  pthread_t thread;
  pthread_create(&thread, NULL, use_late, late);
  pthread_detach(thread);
  return answer(call, 1);
}

static void ignore_change(void *context, const bridge_change *change) { (void)context, (void)change; }

TOOL_FUNCTION(leave_watch) {
  (void)c;
  bridge_subscription subscription;
  memset(&subscription, 0, sizeof subscription);
  subscription.size = sizeof subscription;
  subscription.on_change = ignore_change;
  bridge_watch *watch = NULL;
  for (int number = 0; number < 10; number++) {
    bridge_status status = host->variables->watch(v, &subscription, &watch);
    if (status != BRIDGE_OK) return status;
  }
  return answer(call, 10);
}

static int64_t seen_changes;

static void count_change(void *context, const bridge_change *change) {
  (void)context, (void)change;
  __atomic_add_fetch(&seen_changes, 1, __ATOMIC_RELAXED);
}

static void crash_on_change(void *context, const bridge_change *change) {
  (void)context, (void)change;
  touch_what_is_not_there((volatile int *)0x20);
}

// Waits for changes until it is cancelled.
TOOL_FUNCTION(watch_until_cancelled) {
  (void)c;
  bridge_subscription subscription;
  memset(&subscription, 0, sizeof subscription);
  subscription.size = sizeof subscription;
  subscription.on_change = count_change;
  bridge_watch *watch = NULL;
  bridge_status status = host->variables->watch(v, &subscription, &watch);
  if (status != BRIDGE_OK) return status;
  host->call->progress(call, 0, view("ready"));
  while (host->call->sleep(call, 1000000) == BRIDGE_OK) {}
  return answer(call, __atomic_load_n(&seen_changes, __ATOMIC_RELAXED));
}

TOOL_FUNCTION(crash_in_watch) {
  (void)c;
  bridge_subscription subscription;
  memset(&subscription, 0, sizeof subscription);
  subscription.size = sizeof subscription;
  subscription.on_change = crash_on_change;
  bridge_watch *watch = NULL;
  bridge_status status = host->variables->watch(v, &subscription, &watch);
  if (status != BRIDGE_OK) return status;
  host->call->progress(call, 0, view("ready"));
  host->call->sleep(call, 10000000000);
  return BRIDGE_OK;
}

TOOL_FUNCTION(trace_parent) {
  UNUSED;
  return answer(call, ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0);
}

// What profiles forbid: each of these succeeds, or fails with what the system says.

static bridge_status tell(bridge_call *call, int succeeded) {
  if (succeeded) return answer(call, 1);
  bridge_error error;
  memset(&error, 0, sizeof error);
  error.size = sizeof error;
  error.code = BRIDGE_PERMISSION_DENIED;
  error.message = view(strerror(errno));
  error.type = view("refused_by_system");
  host->call->fail(call, &error);
  return BRIDGE_PERMISSION_DENIED;
}

static int open_any_socket(void) {
  const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (file < 0) return errno;
  close(file);
  return 0;
}

TOOL_FUNCTION(open_socket) {
  UNUSED;
  errno = open_any_socket();
  return tell(call, errno == 0);
}

static int fault_of_constructor = -1;
__attribute__((constructor)) static void construct(void) { fault_of_constructor = open_any_socket(); }

TOOL_FUNCTION(open_socket_early) {
  UNUSED;
  errno = fault_of_constructor;
  return tell(call, errno == 0);
}

TOOL_FUNCTION(write_file) {
  UNUSED;
  char path[] = "/tmp/bridge-host-test-XXXXXX";
  const int file = mkstemp(path);
  if (file < 0) return tell(call, 0);
  const ssize_t count = write(file, "x", 1);
  close(file);
  unlink(path);
  return tell(call, count == 1);
}

TOOL_FUNCTION(change_mode) {
  UNUSED;
  struct stat status;
  // As it is already.
  return tell(call, stat("/tmp", &status) == 0 && chmod("/tmp", status.st_mode & 07777) == 0);
}

TOOL_FUNCTION(write_nowhere) {
  UNUSED;
  const int file = open("/dev/null", O_WRONLY | O_TRUNC | O_CLOEXEC);
  if (file < 0) return tell(call, 0);
  const ssize_t count = write(file, "x", 1);
  close(file);
  return tell(call, count == 1);
}

TOOL_FUNCTION(signal_parent) {
  UNUSED;
  return tell(call, kill(getppid(), 0) == 0);
}

TOOL_FUNCTION(signal_init) {
  UNUSED;
  return tell(call, kill(1, 0) == 0);
}

TOOL_FUNCTION(read_parent) {
  UNUSED;
  char byte;
  // The address need not be there: that is another error.
  const struct iovec ours = {&byte, 1}, theirs = {&byte, 1};
  return tell(call, process_vm_readv(getppid(), &ours, 1, &theirs, 1, 0) == 1 || errno == EFAULT);
}

TOOL_FUNCTION(attach_parent) {
  UNUSED;
  const int succeeded = ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) == 0;
  const int fault = errno;
  if (succeeded) ptrace(PTRACE_DETACH, getppid(), NULL, NULL);
  errno = fault;
  return tell(call, succeeded);
}

static void *do_nothing(void *argument) { return argument; }

// What ordinary code does: a thread, a process that is signalled and waited for, a program.
TOOL_FUNCTION(live) {
  UNUSED;
  pthread_t thread;
  errno = pthread_create(&thread, NULL, do_nothing, NULL);
  if (errno != 0) return tell(call, 0);
  pthread_join(thread, NULL);
  int status;
  pid_t child = fork();
  if (child == 0) for (;;) pause();
  if (child < 0 || kill(child, SIGTERM) != 0 || waitpid(child, &status, 0) != child) return tell(call, 0);
  if (raise(0) != 0 || kill(getpid(), 0) != 0) return tell(call, 0);
  errno = ENOEXEC;
  return tell(call, system("exit 7") == 7 << 8);
}

static const struct {
  const char *name;
  bridge_status (*run)(void *, bridge_call *, bridge_variables *);
} functions[] = {
    {"fine", fine}, {"segfault", segfault}, {"call_abort", call_abort}, {"illegal", illegal},
    {"divide", divide}, {"overflow_stack", overflow_stack}, {"call_exit", call_exit},
    {"exit_at_once", exit_at_once}, {"exec_other", exec_other}, {"loop_for_ever", loop_for_ever},
    {"lock_twice", lock_twice}, {"take_memory", take_memory}, {"take_files", take_files},
    {"close_everything", close_everything}, {"write_garbage", write_garbage},
    {"kill_family", kill_family}, {"kill_parent", kill_parent},
    {"leave_processes", leave_processes}, {"leave_and_crash", leave_and_crash},
    {"answer_much", answer_much}, {"write_after_return", write_after_return},
    {"leave_watch", leave_watch}, {"watch_until_cancelled", watch_until_cancelled},
    {"crash_in_watch", crash_in_watch}, {"trace_parent", trace_parent},
    {"open_socket", open_socket}, {"open_socket_early", open_socket_early}, {"write_file", write_file},
    {"change_mode", change_mode}, {"write_nowhere", write_nowhere}, {"signal_parent", signal_parent},
    {"signal_init", signal_init}, {"read_parent", read_parent}, {"attach_parent", attach_parent},
    {"live", live},
};
enum { function_count = sizeof functions / sizeof *functions };

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *given,
                                               const bridge_plugin **plugin) {
  static bridge_tool tools[function_count];
  static const bridge_tool *list[function_count];
  static bridge_plugin self;
  host = given;
#ifdef CRASHES
  touch_what_is_not_there((volatile int *)0x30);
#endif
#ifdef HANGS
  for (;;) pause();
#endif
  for (size_t index = 0; index < function_count; index++) {
    tools[index] = tool_of(functions[index].name, 0, functions[index].run);
    list[index] = &tools[index];
  }
  self = plugin_of("misbehaving", list, function_count);
  *plugin = &self;
  return BRIDGE_OK;
}
