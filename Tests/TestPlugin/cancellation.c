// Tools that ask to be told of their cancellation.
#include "tools.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

// Waits for what never comes, in the kernel: only its listener can wake it.
static void wake(void *context, bridge_status reason) {
  (void)reason;
  eventfd_write(*(int *)context, 1);
}
static bridge_status run_poll(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)variables;
  int wakeup = eventfd(0, 0);
  bridge_listener *listener;
  bridge_status status = host->call->on_cancel(call, wake, &wakeup, &listener);
  if (status == BRIDGE_OK) {
    tell_ready(call);
    struct pollfd file = {wakeup, POLLIN, 0};
    poll(&file, 1, -1);
    host->call->forget(listener);
    status = host->call->check(call);
  }
  close(wakeup);
  return status;
}
TOOL(, poll, run)

// Ends with the reason it is told, inside the callback.
static void complete(void *token, bridge_status reason) { host->call->complete(token, reason); }
static bridge_status run_complete_on_cancel(void *context, bridge_call *call,
                                            bridge_variables *variables) {
  (void)context, (void)variables;
  bridge_token *token;
  bridge_status status = host->call->retain(call, &token);
  bridge_listener *listener;
  if (status == BRIDGE_OK) status = host->call->on_cancel(call, complete, token, &listener);
  tell_ready(call);
  return status == BRIDGE_OK ? BRIDGE_PENDING : status;
}
TOOL(, complete_on_cancel, run)

// Completes at any moment from another thread, and frees what the callback uses right after. Counts
// callbacks that found it gone.
static atomic_long violations;
struct race {
  atomic_uint alive;
  bridge_token *token;
};
static void touch(void *context, bridge_status reason) {
  struct race *race = context;
  if (atomic_load(&race->alive) != 0xA11FE) violations++;
  if (reason != BRIDGE_CANCELLED) violations++;
  sched_yield();
  if (atomic_load(&race->alive) != 0xA11FE) violations++;
}
static void *complete_and_free(void *context) {
  struct race *race = context;
  host->call->complete(race->token, BRIDGE_OK);
  atomic_store(&race->alive, 0);
  free(race);
  return NULL;
}
static bridge_status run_race(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)variables;
  struct race *race = malloc(sizeof *race);
  race->alive = 0xA11FE;
  bridge_listener *listener;
  bridge_status status = host->call->retain(call, &race->token);
  if (status == BRIDGE_OK) status = host->call->on_cancel(call, touch, race, &listener);
  pthread_t thread;
  if (status != BRIDGE_OK) return status;
  if (pthread_create(&thread, NULL, complete_and_free, race) != 0) return BRIDGE_UNAVAILABLE;
  pthread_detach(thread);
  return BRIDGE_PENDING;
}
TOOL(, race, run)

static bridge_status run_violations(void *context, bridge_call *call,
                                    const bridge_variables *variables) {
  (void)context, (void)variables;
  return answer(call, violations);
}
TOOL(, violations, run_read_only)

// Asks once it is cancelled already. Answers the reason it is told.
struct late {
  sem_t told;
  bridge_status reason;
};
static void tell_late(void *context, bridge_status reason) {
  struct late *late = context;
  late->reason = reason;
  sem_post(&late->told);
}
static bridge_status run_listen_late(void *context, bridge_call *call,
                                     bridge_variables *variables) {
  (void)context, (void)variables;
  tell_ready(call);
  host->call->sleep(call, INT64_MAX);
  struct late late = {.reason = BRIDGE_OK};
  sem_init(&late.told, 0, 0);
  bridge_listener *listener;
  bridge_status status = host->call->on_cancel(call, tell_late, &late, &listener);
  if (status != BRIDGE_OK) return status;
  while (sem_wait(&late.told) != 0) {}
  // The second one finds nothing.
  if (host->call->forget(listener) != BRIDGE_OK) return BRIDGE_INTERNAL;
  if (host->call->forget(listener) != BRIDGE_FAILED_PRECONDITION) return BRIDGE_INTERNAL;
  sem_destroy(&late.told);
  return answer(call, late.reason);
}
TOOL(, listen_late, run)

// Of three listeners forgets one at once, one inside its callback, and leaves one to the call.
// Answers how many were told.
struct forgetful {
  atomic_int calls;
  bridge_listener *itself;
  atomic_int wrong;
};
static void count_call(void *context, bridge_status reason) {
  (void)reason;
  ((struct forgetful *)context)->calls++;
}
static void forget_itself(void *context, bridge_status reason) {
  (void)reason;
  struct forgetful *state = context;
  if (host->call->forget(state->itself) != BRIDGE_OK) state->wrong = 1;
  state->calls += 10;
}
static bridge_status run_forget(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)variables;
  // Static: the listener that is left to the call may be told until that has ended.
  static struct forgetful state;
  state.calls = state.wrong = 0;
  bridge_listener *first, *last;
  const bridge_call_api *api = host->call;
  if (api->on_cancel(call, NULL, NULL, &first) != BRIDGE_INVALID_ARGUMENT ||
      api->on_cancel(call, count_call, &state, NULL) != BRIDGE_INVALID_ARGUMENT ||
      api->forget((bridge_listener *)call) != BRIDGE_FAILED_PRECONDITION ||
      api->on_cancel(call, count_call, &state, &first) != BRIDGE_OK ||
      api->on_cancel(call, forget_itself, &state, &state.itself) != BRIDGE_OK ||
      api->on_cancel(call, count_call, &state, &last) != BRIDGE_OK ||
      api->forget(first) != BRIDGE_OK)
    return BRIDGE_INTERNAL;
  tell_ready(call);
  api->sleep(call, INT64_MAX);
  while (state.calls < 11) sched_yield();
  return state.wrong ? BRIDGE_INTERNAL : answer(call, state.calls);
}
TOOL(, forget, run)
