// Breaks rules of the ABI that a host does not mind, one a tool.
#include "fixture.h"

#include <pthread.h>

static bridge_call *earlier;

static bridge_status use_stale(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)variables;
  if (earlier) host->call->check(earlier);
  earlier = call;
  return answer(call, 1);
}

static bridge_status release_twice(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context;
  bridge_snapshot *snapshot;
  bridge_status status = host->variables->get(variables, view("counter"), 0, &snapshot);
  if (status != BRIDGE_OK) return status;
  host->variables->release(snapshot);
  host->variables->release(snapshot);
  return answer(call, 2);
}

static bridge_status forget_release(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context;
  bridge_snapshot *snapshot;
  bridge_status status = host->variables->get(variables, view("counter"), 0, &snapshot);
  return status == BRIDGE_OK ? answer(call, 3) : status;
}

static void *retain(void *call) {
  bridge_token *token;
  if (host->call->retain(call, &token) == BRIDGE_OK) host->call->complete(token, BRIDGE_OK);
  return NULL;
}

static bridge_status retain_elsewhere(void *context, bridge_call *call,
                                      bridge_variables *variables) {
  (void)context, (void)variables;
  pthread_t thread;
  pthread_create(&thread, NULL, retain, call);
  pthread_join(thread, NULL);
  return BRIDGE_PENDING;
}

static bridge_status two_codes(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)variables;
  bridge_error error = {.size = sizeof error, .code = BRIDGE_UNAVAILABLE, .message = view("away")};
  host->call->fail(call, &error);
  return BRIDGE_INTERNAL;
}

static bridge_status odd_status(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)call, (void)variables;
  return 77;
}

static bridge_status late_refusal(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)variables;
  host->refuse(host, view("too late"));
  return answer(call, 4);
}

// Calls another tool and answers what it answered.
static bridge_status calls(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)variables;
  bridge_request request = {.size = sizeof request, .tool = view("other")};
  bridge_invocation *invocation;
  bridge_status status = host->tools->invoke(call, &request, &invocation);
  if (status != BRIDGE_OK) return status;
  bridge_outcome outcome = {.size = sizeof outcome};
  status = host->tools->outcome(invocation, &outcome);
  if (status == BRIDGE_OK) status = outcome.status;
  if (status == BRIDGE_OK) status = host->call->result(call, &outcome.value);
  host->tools->drop(invocation);
  return status;
}

static bridge_status remaining(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context, (void)variables;
  int64_t before, after;
  host->call->remaining(call, &before);
  host->call->sleep(call, INT64_C(3600000000000));
  host->call->remaining(call, &after);
  return answer(call, before - after);
}

static int given;
static void release(void *context) {
  (void)context;
  given++;
}
static bridge_status gives(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context;
  static char bytes[] = "abc";
  host->call->give_binary(call, bytes, 3, release, bytes);
  bridge_write write = {.size = sizeof write, .identifier = view("counter"), .release = release};
  write.value.type = BRIDGE_TYPE_INTEGER;
  host->variables->set(variables, &write, NULL);
  const bridge_write *writes[] = {&write};
  host->variables->set_all(variables, writes, 1, NULL);
  return answer(call, given);
}

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *h, const bridge_plugin **p) {
  static bridge_tool all[10];
  static const bridge_tool *tools[10];
  static bridge_plugin plugin;
  host = h;
  if (h->abi_maximum < BRIDGE_ABI_VERSION || h->abi_minimum > BRIDGE_ABI_VERSION) {
    h->refuse(h, view("this host is too new"));
    return BRIDGE_UNIMPLEMENTED;
  }
  all[0] = tool_of("use_stale", 0, use_stale);
  all[1] = tool_of("release_twice", 0, release_twice);
  all[2] = tool_of("forget_release", 0, forget_release);
  all[3] = tool_of("retain_elsewhere", 0, retain_elsewhere);
  all[4] = tool_of("two_codes", 0, two_codes);
  all[5] = tool_of("odd_status", 0, odd_status);
  all[6] = tool_of("late_refusal", 0, late_refusal);
  all[7] = tool_of("calls", 0, calls);
  all[8] = tool_of("remaining", 0, remaining);
  all[9] = tool_of("gives", 0, gives);
  for (int i = 0; i < 10; i++) tools[i] = &all[i];
  plugin = plugin_of("rules", tools, 10);
  *p = &plugin;
  return BRIDGE_OK;
}
