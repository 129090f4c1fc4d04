// Callbacks that end each other's subscriptions, at the same moment.
#include "tools.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// Waits until a number is reached. What waits for a minute waits forever.
static void await(atomic_int *number, int least, const char *what) {
  const double start = now();
  while (*number < least) {
    sched_yield();
    if (now() - start > 60) {
      fprintf(stderr, "test plugin: %s never came\n", what);
      abort();
    }
  }
}

// Watches in a ring, each of which ends the next one once the callbacks of all run.
enum { MOST = 8 };
struct ring {
  int count;
  atomic_int begun, ended, unwaited;
  struct member {
    struct ring *ring;
    bridge_watch *watch;
    atomic_int entered, has_ended;
  } members[MOST];
};
static void end_next(void *context, const bridge_change *change) {
  struct member *member = context;
  struct ring *ring = member->ring;
  if (change->kind != BRIDGE_CHANGE_VALUE || atomic_exchange(&member->entered, 1)) return;
  struct member *next = &ring->members[(member - ring->members + 1) % ring->count];
  ring->begun++;
  await(&ring->begun, ring->count, "a callback of the ring");
  host->variables->unwatch(next->watch);
  if (!next->has_ended) ring->unwaited++;
  member->has_ended = 1;
  ring->ended++;
}
static bridge_status write_counter(bridge_variables *variables, int64_t number) {
  bridge_value value = integer(number);
  return set(variables, "counter", value);
}
// Answers how many went on while the next one's callback still ran: the one that closed the ring.
static bridge_status run_ring(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context;
  bridge_value count;
  bridge_status status = host->call->parameter(call, view("count"), &count);
  if (status != BRIDGE_OK) return status;
  struct ring ring = {.count = (int)count.as.integer};
  for (int i = 0; i < ring.count; i++) {
    ring.members[i].ring = &ring;
    status = watch(variables, "counter", 0, end_next, &ring.members[i],
                                    &ring.members[i].watch);
    if (status != BRIDGE_OK) return status;
  }
  status = write_counter(variables, 1);
  if (status != BRIDGE_OK) return status;
  await(&ring.ended, ring.count, "the end of the ring");
  // `ended` is counted inside the callback: this stack has to outlast the rest of it.
  host->call->sleep(call, 5 * 1000 * 1000);
  return answer(call, ring.unwaited);
}
TOOL(, ring, run, .parameters = count_parameters, .parameter_count = 1)

// A callback that ends another watch, whose callback waits for nobody: that one is waited for.
struct chain {
  bridge_watch *second;
  atomic_int second_begun, second_ended, first_ended, unwaited;
};
static void work(void *context, const bridge_change *change) {
  (void)change;
  struct chain *chain = context;
  chain->second_begun = 1;
  struct timespec pause = {0, 5 * 1000 * 1000};
  nanosleep(&pause, NULL);
  chain->second_ended = 1;
}
static void end_second(void *context, const bridge_change *change) {
  (void)change;
  struct chain *chain = context;
  await(&chain->second_begun, 1, "the second callback");
  host->variables->unwatch(chain->second);
  if (!chain->second_ended) chain->unwaited++;
  chain->first_ended = 1;
}
static bridge_status run_chain(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context;
  struct chain chain = {0};
  bridge_watch *first;
  bridge_status status =
      watch(variables, "counter", 0, work, &chain, &chain.second);
  if (status == BRIDGE_OK)
    status = watch(variables, "counter", 0, end_second, &chain, &first);
  if (status == BRIDGE_OK) status = write_counter(variables, 1);
  if (status != BRIDGE_OK) return status;
  await(&chain.first_ended, 1, "the end of the first callback");
  host->variables->unwatch(first);
  return answer(call, chain.unwaited);
}
TOOL(, chain, run)

// Two callbacks: one completes the call, the other ends the first one's watch. What they share
// belongs to the last of them.
struct across {
  atomic_int references, begun;
  bridge_token *token;
  bridge_watch *watch;
};
static void drop(struct across *across) {
  if (atomic_fetch_sub(&across->references, 1) == 1) free(across);
}
static void meet(struct across *across) {
  across->begun++;
  await(&across->begun, 2, "the other callback");
}
static void complete_call(void *context, const bridge_change *change) {
  struct across *across = context;
  if (change->kind != BRIDGE_CHANGE_VALUE) return;
  meet(across);
  host->call->complete(across->token, BRIDGE_OK);
  drop(across);
}
static void end_completing(void *context, const bridge_change *change) {
  struct across *across = context;
  if (change->kind != BRIDGE_CHANGE_VALUE) return;
  meet(across);
  host->variables->unwatch(across->watch);
  drop(across);
}
static bridge_status run_complete_across(void *context, bridge_call *call,
                                         bridge_variables *variables) {
  (void)context;
  struct across *across = calloc(1, sizeof *across);
  across->references = 3;
  bridge_watch *other;
  bridge_status status = host->call->retain(call, &across->token);
  if (status == BRIDGE_OK)
    status = watch(variables, "counter", 0, complete_call, across, &across->watch);
  if (status == BRIDGE_OK)
    status = watch(variables, "counter", 0, end_completing, across, &other);
  if (status == BRIDGE_OK) status = write_counter(variables, 1);
  drop(across);
  return status == BRIDGE_OK ? BRIDGE_PENDING : status;
}
TOOL(, complete_across, run)

// A listener that ends a watch, whose callback forgets the listener. Answers how many went on while
// the other still ran.
struct both {
  atomic_int begun, ended, unwaited;
  atomic_int watch_ended, listener_ended;
  bridge_watch *watch;
  bridge_listener *listener;
};
static void meet_both(struct both *both) {
  both->begun++;
  await(&both->begun, 2, "the other callback");
}
static void forget_listener(void *context, const bridge_change *change) {
  struct both *both = context;
  if (change->kind != BRIDGE_CHANGE_VALUE) return;
  meet_both(both);
  host->call->forget(both->listener);
  if (!both->listener_ended) both->unwaited++;
  both->watch_ended = 1;
  both->ended++;
}
static void end_watch(void *context, bridge_status reason) {
  (void)reason;
  struct both *both = context;
  meet_both(both);
  host->variables->unwatch(both->watch);
  if (!both->watch_ended) both->unwaited++;
  both->listener_ended = 1;
  both->ended++;
}
static bridge_status run_cancel_across(void *context, bridge_call *call,
                                       bridge_variables *variables) {
  (void)context;
  struct both both = {0};
  bridge_status status =
      watch(variables, "counter", 0, forget_listener, &both, &both.watch);
  if (status == BRIDGE_OK)
    status = host->call->on_cancel(call, end_watch, &both, &both.listener);
  tell_ready(call);
  if (status == BRIDGE_OK) status = write_counter(variables, 1);
  if (status != BRIDGE_OK) return status;
  await(&both.ended, 2, "the end of both");
  // As above; `sleep` would not, the call being cancelled.
  struct timespec pause = {0, 5 * 1000 * 1000};
  nanosleep(&pause, NULL);
  return answer(call, both.unwaited);
}
TOOL(, cancel_across, run)
