// Quick tools that change the state of their thread, and tools that change that of the process, and leave it
// so.
#define _GNU_SOURCE
#include "fixture.h"

#include <fenv.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

static bridge_status change_rounding(void *c, bridge_call *call, bridge_variables *v) {
  (void)c, (void)v;
  fesetround(FE_UPWARD);
  return answer(call, 1);
}

static bridge_status flush_to_zero(void *c, bridge_call *call, bridge_variables *v) {
  (void)c, (void)v;
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8040);
#else
  unsigned long control;
  __asm__ volatile("mrs %0, fpcr" : "=r"(control));
  __asm__ volatile("msr fpcr, %0" : : "r"(control | 1ul << 24));
#endif
  return answer(call, 1);
}

// Blocks what is not blocked, and the other way round.
static bridge_status block_signals(void *c, bridge_call *call, bridge_variables *v) {
  (void)c, (void)v;
  sigset_t mask;
  pthread_sigmask(SIG_BLOCK, NULL, &mask);
  const int is_blocked = sigismember(&mask, SIGUSR2);
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR2);
  pthread_sigmask(is_blocked ? SIG_UNBLOCK : SIG_BLOCK, &mask, NULL);
  return answer(call, 1);
}

static bridge_status move_signal_stack(void *c, bridge_call *call, bridge_variables *v) {
  (void)c, (void)v;
  static char memory[65536];
  const stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory};
  sigaltstack(&stack, NULL);
  return answer(call, 1);
}

static bridge_status use_locale(void *c, bridge_call *call, bridge_variables *v) {
  (void)c, (void)v;
  uselocale(newlocale(LC_ALL_MASK, "C.UTF-8", NULL));
  return answer(call, 1);
}

// Changes the signals in every 100th call only.
static bridge_status block_seldom(void *c, bridge_call *call, bridge_variables *v) {
  static _Atomic int calls;
  return ++calls % 100 == 0 ? block_signals(c, call, v) : answer(call, 0);
}

// Changes the signals and fails, in every 100th call only.
static bridge_status fail_seldom(void *c, bridge_call *call, bridge_variables *v) {
  static _Atomic int calls;
  if (++calls % 100 != 0) return answer(call, 0);
  block_signals(c, call, v);
  return BRIDGE_DATA_LOSS;
}

static bridge_status change_process(void *c, bridge_call *call, bridge_variables *v) {
  (void)c, (void)v;
  umask(0);
  if (chdir("/") != 0) return BRIDGE_INTERNAL;
  setlocale(LC_ALL, "C.UTF-8");
  setenv("BRIDGE_FIXTURE", "set", 1);
  signal(SIGPIPE, SIG_DFL);
  signal(SIGHUP, SIG_IGN);
  return answer(call, 1);
}

static bridge_status do_nothing(void *c, bridge_call *call, bridge_variables *v) {
  (void)c, (void)v;
  return answer(call, 1);
}

static bridge_tool all[9];
static const bridge_tool *tools[9];
static bridge_plugin plugin;

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *h, const bridge_plugin **p) {
  host = h;
  all[0] = tool_of("change_rounding", BRIDGE_TOOL_QUICK, change_rounding);
  all[1] = tool_of("flush_to_zero", BRIDGE_TOOL_QUICK, flush_to_zero);
  all[2] = tool_of("block_signals", BRIDGE_TOOL_QUICK, block_signals);
  all[3] = tool_of("move_signal_stack", BRIDGE_TOOL_QUICK, move_signal_stack);
  all[4] = tool_of("use_locale", BRIDGE_TOOL_QUICK, use_locale);
  all[5] = tool_of("block_seldom", BRIDGE_TOOL_QUICK, block_seldom);
  all[6] = tool_of("fail_seldom", BRIDGE_TOOL_QUICK, fail_seldom);
  all[7] = tool_of("change_process", 0, change_process);
  all[8] = tool_of("do_nothing", 0, do_nothing);
  for (int i = 0; i < 9; i++) tools[i] = &all[i];
  plugin = plugin_of("intrusion", tools, 9);
  *p = &plugin;
  return BRIDGE_OK;
}
