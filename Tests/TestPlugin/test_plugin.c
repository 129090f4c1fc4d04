// A plugin for tests: tools that use every part of the ABI, well and badly, and an entry function
// that misbehaves as the environment variable BRIDGE_TEST_PLUGIN says.
#include "tools.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const bridge_host *host;

static bridge_status fail(bridge_call *call, bridge_status code, const char *message) {
  bridge_error error = {.size = sizeof error, .code = code, .message = view(message)};
  host->call->fail(call, &error);
  return code;
}

// Fails with every field of an error.
static bridge_status run_fail(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)variables;
  bridge_error error = {.size = sizeof error, .flags = BRIDGE_ERROR_RETRYABLE, .code = BRIDGE_UNAVAILABLE,
                        .message = BRIDGE_STR("the oracle is closed"),
                        .type = BRIDGE_STR("oracle_error"),
                        .details = BRIDGE_STR("{\"hours\":\"9-5\"}")};
  host->call->fail(call, &error);
  return BRIDGE_UNAVAILABLE;
}

// Fails without a word.
static bridge_status run_fail_silently(void *context, bridge_call *call,
                                       bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  return BRIDGE_ABORTED;
}

// Uses handles it should not: all must be errors, none a crash. Answers the number that were.
static bridge_call *stale_call;
static bridge_snapshot *stale_snapshot;
static bridge_status run_stale(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context;
  int64_t errors = 0;
  bridge_value value;
  if (stale_call) {
    errors += host->call->parameter(stale_call, view("x"), &value) == BRIDGE_FAILED_PRECONDITION;
    errors += host->call->check(stale_call) == BRIDGE_FAILED_PRECONDITION;
    bridge_variable variable = {.size = sizeof variable};
    errors += host->variables->read(stale_snapshot, &variable) == BRIDGE_FAILED_PRECONDITION;
    errors += host->variables->release(stale_snapshot) == BRIDGE_FAILED_PRECONDITION;
  }
  errors += host->call->check(NULL) == BRIDGE_FAILED_PRECONDITION;
  errors += host->call->check((bridge_call *)0x1234) == BRIDGE_FAILED_PRECONDITION;
  errors += host->variables->unwatch((bridge_watch *)call) == BRIDGE_FAILED_PRECONDITION;
  errors += host->call->complete((bridge_token *)call, BRIDGE_OK) == BRIDGE_FAILED_PRECONDITION;
  errors += host->call->result(call, NULL) == BRIDGE_INVALID_ARGUMENT;
  bridge_value odd = {.type = 99};
  errors += host->call->result(call, &odd) == BRIDGE_INVALID_ARGUMENT;
  bridge_value text = {.type = BRIDGE_TYPE_STRING, .as.text = {"\xff", 1}};
  errors += host->call->result(call, &text) == BRIDGE_INVALID_ARGUMENT;
  bridge_value json = {.type = BRIDGE_TYPE_OBJECT, .as.text = BRIDGE_STR("[1]")};
  errors += host->call->result(call, &json) == BRIDGE_INVALID_ARGUMENT;
  stale_call = call;
  // Not released: it goes with the call.
  host->variables->get(variables, view("counter"), 0, &stale_snapshot);
  bridge_value result = integer(errors);
  return host->call->result(call, &result);
}

// Completes from another thread, after its function has returned.
static void *complete_later(void *token) {
  struct timespec wait = {0, 20 * 1000 * 1000};
  nanosleep(&wait, NULL);
  host->call->complete(token, BRIDGE_OK);
  return NULL;
}
bridge_status complete_elsewhere(bridge_call *call) {
  bridge_token *token;
  const bridge_status status = host->call->retain(call, &token);
  if (status != BRIDGE_OK) return status;
  pthread_t thread;
  if (pthread_create(&thread, NULL, complete_later, token) != 0) return BRIDGE_UNAVAILABLE;
  pthread_detach(thread);
  return BRIDGE_PENDING;
}
static bridge_status run_retained(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)variables;
  bridge_token *token;
  bridge_status status = host->call->retain(call, &token);
  if (status != BRIDGE_OK) return status;
  bridge_token *second;
  if (host->call->retain(call, &second) != BRIDGE_FAILED_PRECONDITION) return BRIDGE_INTERNAL;
  bridge_value result = integer(42);
  host->call->result(call, &result);
  pthread_t thread;
  if (pthread_create(&thread, NULL, complete_later, token) != 0) return BRIDGE_UNAVAILABLE;
  pthread_detach(thread);
  return BRIDGE_PENDING;
}

static bridge_status run_pending(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  return BRIDGE_PENDING;
}

// Emits `count` integers, or waits for room; answers how often the stream was full.
static bridge_status run_emit(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)variables;
  bridge_value count;
  bridge_status status = host->call->parameter(call, view("count"), &count);
  if (status != BRIDGE_OK) return status;
  int64_t full = 0;
  for (int64_t i = 0; i < count.as.integer;) {
    bridge_value chunk = integer(i);
    status = host->call->emit(call, &chunk);
    if (status == BRIDGE_FULL) {
      full++;
      status = host->call->wait_for_room(call);
      if (status != BRIDGE_OK) return status;
    } else if (status != BRIDGE_OK) {
      return status;
    } else {
      i++;
    }
  }
  bridge_value result = integer(full);
  return host->call->result(call, &result);
}

// Watches `counter` until it reaches 1000 or the watch ends; checks that changes come in order.
struct watching {
  atomic_int inside;
  atomic_long last, calls;
  atomic_int disorder, ended;
};
static void on_change(void *context, const bridge_change *change) {
  struct watching *state = context;
  if (atomic_fetch_add(&state->inside, 1) != 0) state->disorder = 1;
  if (change->kind == BRIDGE_CHANGE_ENDED) state->ended = 1;
  if (change->kind == BRIDGE_CHANGE_VALUE) {
    if (change->revision <= state->last) state->disorder = 1;
    state->last = change->revision;
  }
  // What was written before the watch began is not reported again.
  if (change->kind == BRIDGE_CHANGE_SYNCED) state->last = change->revision;
  state->calls++;
  atomic_fetch_sub(&state->inside, 1);
}
static bridge_status run_watch(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context;
  struct watching state = {0};
  bridge_watch *watching;
  bridge_status status = watch(variables, "counter", 1, on_change, &state, &watching);
  if (status != BRIDGE_OK) return status;
  for (;;) {
    bridge_snapshot *snapshot;
    status = host->variables->get(variables, view("counter"), 0, &snapshot);
    if (status != BRIDGE_OK) break;
    bridge_variable variable = {.size = sizeof variable};
    host->variables->read(snapshot, &variable);
    int64_t number = variable.value.as.integer;
    int64_t revision = variable.revision;
    host->variables->release(snapshot);
    if (number >= 1000 && state.last >= revision) break;
    status = host->call->sleep(call, 1000000);
    if (status != BRIDGE_OK) break;
  }
  // The state is on this stack: a callback after this returns would be a crash.
  host->variables->unwatch(watching);
  if (status != BRIDGE_OK) return status;
  if (state.disorder) return fail(call, BRIDGE_INTERNAL, "changes came out of order");
  bridge_value result = integer(state.calls);
  return host->call->result(call, &result);
}

// Unwatches inside the callback.
struct once {
  bridge_watch *watch;
  atomic_int calls, done;
};
static void on_first(void *context, const bridge_change *change) {
  (void)change;
  struct once *state = context;
  state->calls++;
  host->variables->unwatch(state->watch);
  state->done = 1;
}
static bridge_status run_watch_once(void *context, bridge_call *call,
                                    const bridge_variables *variables) {
  (void)context;
  struct once *state = calloc(1, sizeof *state);
  bridge_status status =
      watch(variables, NULL, 1, on_first, state, &state->watch);
  while (status == BRIDGE_OK && !state->done) status = host->call->sleep(call, 1000000);
  if (status == BRIDGE_OK) status = host->call->sleep(call, 20000000);
  bridge_value result = integer(state->calls);
  free(state);
  return status == BRIDGE_OK ? host->call->result(call, &result) : status;
}

// A read-only tool that writes anyway, by casting const away.
static bridge_status run_cheat(void *context, bridge_call *call,
                               const bridge_variables *variables) {
  (void)context;
  bridge_value value = integer(666);
  bridge_status status =
      set((bridge_variables *)variables, "counter", value);
  bridge_error error = {.size = sizeof error};
  host->call->last_error(call, &error);
  bridge_value result = {.type = BRIDGE_TYPE_STRING, .as.text = error.message};
  host->call->result(call, &result);
  return status == BRIDGE_PERMISSION_DENIED ? BRIDGE_OK : BRIDGE_INTERNAL;
}

// Declares that it reads `a_*` and writes `out`; tries more.
static bridge_status run_footprint(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context;
  bridge_snapshot *snapshot;
  bridge_value value = integer(1);
  int64_t right = 0;
  right += host->variables->get(variables, view("a_1"), 0, &snapshot) == BRIDGE_OK;
  right += host->variables->get(variables, view("counter"), 0, &snapshot) == BRIDGE_PERMISSION_DENIED;
  right += set(variables, "out", value) == BRIDGE_OK;
  right += set(variables, "a_1", value) == BRIDGE_PERMISSION_DENIED;
  right += host->variables->remove(variables, view("counter")) == BRIDGE_PERMISSION_DENIED;
  bridge_write write = {.size = sizeof write, .identifier = view("counter"), .value = value};
  const bridge_write *writes[] = {&write};
  right += host->variables->set_all(variables, writes, 1, NULL) == BRIDGE_PERMISSION_DENIED;
  bridge_value result = integer(right);
  return host->call->result(call, &result);
}

// Adds 1 to `counter`, slowly and without a check: only one at a time adds up.
static bridge_status run_serial(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context;
  bridge_snapshot *snapshot;
  bridge_status status = host->variables->get(variables, view("counter"), 0, &snapshot);
  if (status != BRIDGE_OK) return status;
  bridge_variable variable = {.size = sizeof variable};
  host->variables->read(snapshot, &variable);
  bridge_value next = integer(variable.value.as.integer + 1);
  host->variables->release(snapshot);
  host->call->sleep(call, 500000);
  return set(variables, "counter", next);
}

static bridge_status run_sleep(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)variables;
  return host->call->sleep(call, INT64_MAX);
}

static atomic_int released;
static void release_blob(void *blob) {
  free(blob);
  released++;
}
static bridge_status run_blob(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)variables;
  char *blob = malloc(3);
  memcpy(blob, "\1\2\3", 3);
  host->call->give_binary(call, blob, 3, release_blob, blob);
  host->call->annotate(call, view("key"), view("value"));
  bridge_value result = integer(released);
  return host->call->result(call, &result);
}

static const bridge_parameter count_parameter = {
    .size = sizeof count_parameter, .name = BRIDGE_STR("count"),
    .description = BRIDGE_STR("How many."), .type = BRIDGE_TYPE_INTEGER,
    .flags = BRIDGE_PARAMETER_REQUIRED, .constraints = BRIDGE_STR("{\"min\":0}")};
const bridge_parameter *const count_parameters[] = {&count_parameter};
static const bridge_str footprint_reads[] = {BRIDGE_STR("a_*")};
static const bridge_str footprint_writes[] = {BRIDGE_STR("out")};

TOOL(static, fail, run)
TOOL(static, fail_silently, run)
TOOL(static, stale, run)
TOOL(static, retained, run)
TOOL(static, pending, run)
TOOL(static, emit, run, .flags = BRIDGE_TOOL_STREAMS, .parameters = count_parameters, .parameter_count = 1)
TOOL(static, watch, run)
TOOL(static, watch_once, run_read_only)
TOOL(static, cheat, run_read_only)
TOOL(static, footprint, run, .reads = footprint_reads, .read_count = 1, .writes = footprint_writes,
     .write_count = 1)
TOOL(static, sleep, run)
TOOL(static, blob, run)
static const bridge_tool tool_serial = {.size = sizeof(bridge_tool),
                                        .name = BRIDGE_STR("test_serial"),
                                        .threading = BRIDGE_SERIAL, .run = run_serial};

static const bridge_tool *const tools[] = {
    &tool_fail, &tool_fail_silently, &tool_stale, &tool_retained, &tool_pending,
    &tool_emit, &tool_watch, &tool_watch_once, &tool_cheat, &tool_footprint,
    &tool_sleep, &tool_blob, &tool_serial,
    // cancellation.c
    &tool_poll, &tool_complete_on_cancel, &tool_race, &tool_listen_late, &tool_forget,
    &tool_violations,
    // crossing.c
    &tool_ring, &tool_chain, &tool_complete_across, &tool_cancel_across,
    // atomic.c
    &tool_atomic};
static const bridge_plugin plugin = {
    .size = sizeof plugin, .abi_version = BRIDGE_ABI_VERSION, .name = BRIDGE_STR("test"),
    .version = BRIDGE_STR("1"), .tools = tools, .tool_count = sizeof tools / sizeof *tools};

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *h, const bridge_plugin **p) {
  static bridge_plugin odd;
  static bridge_tool odd_tool;
  static const bridge_tool *odd_tools[2];
  const char *mode = getenv("BRIDGE_TEST_PLUGIN");
  host = h;
  *p = &plugin;
  if (!mode || !*mode) return BRIDGE_OK;
  odd = plugin;
  odd_tool = tool_fail;
  odd_tools[0] = odd_tools[1] = &odd_tool;
  odd.tools = odd_tools;
  odd.tool_count = 1;
  *p = &odd;
  if (!strcmp(mode, "refuse")) {
    h->refuse(h, view("it is Monday"));
    return BRIDGE_FAILED_PRECONDITION;
  }
  if (!strcmp(mode, "silent")) return BRIDGE_INTERNAL;
  if (!strcmp(mode, "nothing")) *p = NULL;
  if (!strcmp(mode, "size")) odd.size = 8;
  if (!strcmp(mode, "version")) odd.abi_version = 99;
  if (!strcmp(mode, "name")) odd.name = view("no good");
  if (!strcmp(mode, "null_tool")) odd_tools[0] = NULL;
  if (!strcmp(mode, "no_tools")) odd.tools = NULL;
  if (!strcmp(mode, "tool_size")) odd_tool.size = 8;
  if (!strcmp(mode, "tool_name")) odd_tool.name = view("");
  if (!strcmp(mode, "tool_run")) odd_tool.run_read_only = run_cheat;
  if (!strcmp(mode, "tool_threading")) odd_tool.threading = 7;
  if (!strcmp(mode, "twice")) odd.tool_count = 2;
  return BRIDGE_OK;
}
