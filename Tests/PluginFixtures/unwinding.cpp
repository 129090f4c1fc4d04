// Tools whose functions and callbacks do not return: exceptions, of C++ and of others, and ended threads.
//
//     -DCONSTRUCTOR, -DENTRY, -DINIT, -DDEINIT: what throws, beside the tools

#include "fixture.h"

#include <atomic>
#include <cstdlib>
#include <pthread.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

namespace {

#ifdef CONSTRUCTOR
struct Thrower {
  Thrower() { throw std::runtime_error("from a constructor"); }
} thrower;
#endif

std::atomic<int> destroyed{0};
// Counts what is destroyed on the way out.
struct Local {
  ~Local() { destroyed++; }
};

bridge_status throw_standard(void *, bridge_call *, bridge_variables *) {
  Local local;
  throw std::runtime_error("the oracle fell asleep");
}

bridge_status throw_integer(void *, bridge_call *, bridge_variables *) { throw 42; }

// Of another language: its class and its memory are not C++'s.
bridge_status throw_foreign(void *, bridge_call *, bridge_variables *) {
  static thread_local _Unwind_Exception exception;
  exception = {};
  memcpy(&exception.exception_class, "FIXTURE\0", 8);
  exception.exception_cleanup = [](_Unwind_Reason_Code, _Unwind_Exception *) {};
  _Unwind_RaiseException(&exception);
  return BRIDGE_INTERNAL;
}

bridge_status end_thread(void *, bridge_call *, bridge_variables *) {
  Local local;
  pthread_exit(nullptr);
}

bridge_status cancel_thread(void *, bridge_call *, bridge_variables *) {
  Local local;
  pthread_cancel(pthread_self());
  for (;;) pthread_testcancel(), usleep(1000);
}

// Ends the process, by the function of that name.
bridge_status call_exit(void *, bridge_call *, bridge_variables *) { exit(3); }
bridge_status call_short_exit(void *, bridge_call *, bridge_variables *) { _exit(3); }
bridge_status call_ISO_exit(void *, bridge_call *, bridge_variables *) { _Exit(3); }
bridge_status call_quick_exit(void *, bridge_call *, bridge_variables *) { quick_exit(3); }

// Answers the exit code of a child that it has forked.
bridge_status exit_child(void *, bridge_call *call, bridge_variables *) {
  const pid_t child = fork();
  if (child == 0) _exit(42);
  int status = 0;
  waitpid(child, &status, 0);
  return answer(call, WEXITSTATUS(status));
}

bridge_status throw_from_callback(void *, const bridge_variable *) {
  throw std::logic_error("no variables, please");
}

// A callback throws inside a function of the host, which goes on; the tool answers what the function did.
bridge_status throw_within(void *, bridge_call *call, bridge_variables *variables) {
  bridge_status status = host->variables->list(variables, view(""), 0, throw_from_callback, nullptr);
  return answer(call, status);
}

// Catches what it throws itself, around functions of the host that throw nothing.
bridge_status catch_own(void *, bridge_call *call, bridge_variables *variables) {
  try {
    host->variables->list(variables, view(""), 0, throw_from_callback, nullptr);
    if (host->call->check(call) == BRIDGE_OK) throw 7;
  } catch (int number) {
    return answer(call, number);
  }
  return BRIDGE_INTERNAL;
}

// Calls a tool that throws, waits for it, answers its status, and throws itself when it has the right one.
bridge_status throw_across(void *, bridge_call *call, bridge_variables *) {
  bridge_request request;
  memset(&request, 0, sizeof request);
  request.size = sizeof request;
  request.tool = view("throw_standard");
  bridge_invocation *invocation;
  bridge_status status = host->tools->invoke(call, &request, &invocation);
  if (status != BRIDGE_OK) return status;
  bridge_outcome outcome;
  memset(&outcome, 0, sizeof outcome);
  outcome.size = sizeof outcome;
  status = host->tools->outcome(invocation, &outcome);
  if (status != BRIDGE_OK) return status;
  if (outcome.status == BRIDGE_INTERNAL) throw std::runtime_error("as the tool within");
  return answer(call, outcome.status);
}

// Writes, and throws.
bridge_status throw_atomic(void *, bridge_call *, bridge_variables *variables) {
  bridge_write write;
  memset(&write, 0, sizeof write);
  write.size = sizeof write;
  write.identifier = view("counter");
  write.value.type = BRIDGE_TYPE_INTEGER;
  write.value.as.integer = 666;
  if (host->variables->set(variables, &write, nullptr) != BRIDGE_OK) return BRIDGE_UNKNOWN;
  throw 1;
}

std::atomic<int> told{0};
void throw_when_told(void *, const bridge_change *) {
  told++;
  throw std::runtime_error("from on_change");
}

// Its watch throws at every change; the tool waits for two.
bridge_status watch_and_throw(void *, bridge_call *call, bridge_variables *variables) {
  told = 0;
  bridge_subscription subscription;
  memset(&subscription, 0, sizeof subscription);
  subscription.size = sizeof subscription;
  subscription.flags = BRIDGE_WATCH_INITIAL;
  subscription.on_change = throw_when_told;
  bridge_watch *watch;
  bridge_status status = host->variables->watch(variables, &subscription, &watch);
  while (status == BRIDGE_OK && told < 2) status = host->call->sleep(call, 1000000);
  host->variables->unwatch(watch);
  return status == BRIDGE_OK ? answer(call, told) : status;
}

void exit_when_told(void *, const bridge_change *) {
  told++;
  exit(3);
}

// Its watch ends the process at every change; the tool waits for one.
bridge_status call_exit_when_told(void *, bridge_call *call, bridge_variables *variables) {
  told = 0;
  bridge_subscription subscription;
  memset(&subscription, 0, sizeof subscription);
  subscription.size = sizeof subscription;
  subscription.flags = BRIDGE_WATCH_INITIAL;
  subscription.on_change = exit_when_told;
  bridge_watch *watch;
  bridge_status status = host->variables->watch(variables, &subscription, &watch);
  while (status == BRIDGE_OK && told < 1) status = host->call->sleep(call, 1000000);
  host->variables->unwatch(watch);
  return status == BRIDGE_OK ? answer(call, told) : status;
}

void throw_when_cancelled(void *, bridge_status) {
  told++;
  throw std::runtime_error("from on_cancel");
}

bridge_status cancel_and_throw(void *, bridge_call *call, bridge_variables *) {
  told = 0;
  bridge_listener *listener;
  bridge_status status = host->call->on_cancel(call, throw_when_cancelled, nullptr, &listener);
  if (status != BRIDGE_OK) return status;
  host->call->progress(call, 0, view("ready"));
  while (told == 0) usleep(1000);
  host->call->forget(listener);
  return answer(call, told);
}

void throw_when_released(void *) { throw std::runtime_error("from release"); }

bridge_status give_and_throw(void *, bridge_call *call, bridge_variables *) {
  static char byte = 1;
  host->call->give_binary(call, &byte, 1, throw_when_released, nullptr);
  return answer(call, 1);
}

bridge_status count_destroyed(void *, bridge_call *call, bridge_variables *) {
  return answer(call, destroyed);
}

const bridge_tool all[] = {
    tool_of("throw_standard", 0, throw_standard), tool_of("throw_integer", 0, throw_integer),
    tool_of("throw_foreign", 0, throw_foreign), tool_of("end_thread", 0, end_thread),
    tool_of("throw_quickly", BRIDGE_TOOL_QUICK, throw_integer),
    tool_of("end_loop", BRIDGE_TOOL_QUICK, end_thread),
    tool_of("cancel_loop", BRIDGE_TOOL_QUICK, cancel_thread),
    tool_of("call_exit", 0, call_exit), tool_of("call__exit", 0, call_short_exit),
    tool_of("call__Exit", 0, call_ISO_exit), tool_of("call_quick_exit", 0, call_quick_exit),
    tool_of("call_exit_quickly", BRIDGE_TOOL_QUICK, call_exit), tool_of("exit_child", 0, exit_child),
    tool_of("call_exit_when_told", 0, call_exit_when_told),
    tool_of("cancel_thread", 0, cancel_thread), tool_of("throw_within", 0, throw_within),
    tool_of("catch_own", 0, catch_own), tool_of("throw_across", 0, throw_across),
    tool_of("throw_atomic", BRIDGE_TOOL_ATOMIC, throw_atomic),
    tool_of("watch_and_throw", 0, watch_and_throw),
    tool_of("cancel_and_throw", 0, cancel_and_throw),
    tool_of("give_and_throw", 0, give_and_throw), tool_of("count_destroyed", 0, count_destroyed)};
const size_t count = sizeof all / sizeof *all;
const bridge_tool *tools[count];

} // namespace

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *h, const bridge_plugin **p) {
  host = h;
#ifdef ENTRY
  throw std::runtime_error("from the entry");
#endif
  for (size_t i = 0; i < count; i++) tools[i] = &all[i];
  static bridge_plugin plugin = plugin_of("unwinding", tools, count);
#ifdef INIT
  plugin.init = [](const bridge_host *, bridge_str) -> bridge_status {
    throw std::runtime_error("from init");
  };
#endif
#ifdef DEINIT
  plugin.deinit = []() -> bridge_status { throw std::runtime_error("from deinit"); };
#endif
  *p = &plugin;
  return BRIDGE_OK;
}
