// A plugin that uses every function of version 1.0 of the ABI and looks at every field. It is built from
// the headers as they were released and from those of a pretended next version: its structs are then
// smaller or larger than the host's. ID is the plugin's prefix.
#include <bridge_plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_(id) #id
#define TEXT(id) TEXT_(id)
#define NAME(suffix) BRIDGE_STR(TEXT(ID) suffix)

static const bridge_host *host;
static bridge_str configuration;

static bridge_str view(const char *text) { return (bridge_str){text, strlen(text)}; }
static int is(bridge_str text, const char *expected) {
  return text.length == strlen(expected) && memcmp(text.data, expected, text.length) == 0;
}

// A struct that the host fills in, with bytes behind it that nobody may touch. What is not known to the
// host has to come as zero.
#define GUARDED(type, name)                                                                        \
  struct {                                                                                         \
    type content;                                                                                  \
    unsigned char guard[64];                                                                       \
  } name;                                                                                          \
  memset(&name, 0xAA, sizeof name);                                                                \
  name.content.size = sizeof(type)

static int is_untouched(const unsigned char *guard) {
  for (int i = 0; i < 64; i++) if (guard[i] != 0xAA) return 0;
  return 1;
}

// Fails the tool with the line of what does not hold.
#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) return give_up(call, __LINE__, #condition);                                  \
  } while (0)
static bridge_status give_up(bridge_call *call, int line, const char *condition) {
  char text[512];
  GUARDED(bridge_error, last);
  bridge_status status = host->call->last_error(call, &last.content);
  snprintf(text, sizeof text, "line %d: %s; last error: %.*s", line, condition,
           status == BRIDGE_OK ? (int)last.content.message.length : 0,
           status == BRIDGE_OK ? last.content.message.data : "");
  bridge_error error = {.size = sizeof error, .code = BRIDGE_INTERNAL, .message = view(text)};
  host->call->fail(call, &error);
  return BRIDGE_INTERNAL;
}

// --- What others are told: variables, changes, outcomes.

struct seen {
  int variables, initial, synced, values, bad;
  volatile int ended;
};
static int is_whole(const bridge_variable *variable) {
  return variable->size >= 96 && variable->version > 0 && variable->revision > 0 &&
         variable->id.length > 0 && variable->name.length > 0 && variable->value.type != 0 &&
         variable->value.reserved == 0 && variable->details && variable->details->size >= 64 &&
         variable->details->reserved == 0 && variable->details->written_at > 0 &&
         variable->details->writer.length > 0;
}
static bridge_status on_variable(void *context, const bridge_variable *variable) {
  struct seen *seen = context;
  seen->variables++;
  if (!is_whole(variable)) seen->bad++;
  return BRIDGE_OK;
}
static void on_change(void *context, const bridge_change *change) {
  struct seen *seen = context;
  if (change->size < 56) seen->bad++;
  if (change->variable && (!is_whole(change->variable) || change->time <= 0)) seen->bad++;
  switch (change->kind) {
  case BRIDGE_CHANGE_INITIAL: seen->initial++; break;
  case BRIDGE_CHANGE_SYNCED: seen->synced++; break;
  case BRIDGE_CHANGE_VALUE:
    if (!change->previous || change->previous->version + 1 != change->variable->version)
      seen->bad++;
    seen->values++;
    break;
  }
}
static bridge_status on_chunk(void *context, const bridge_value *chunk) {
  struct seen *seen = context;
  if (chunk->type != BRIDGE_TYPE_INTEGER || chunk->as.integer != seen->values) seen->bad++;
  seen->values++;
  return BRIDGE_OK;
}
static void on_end(void *context, bridge_invocation *invocation) {
  struct seen *seen = context;
  GUARDED(bridge_outcome, outcome);
  if (host->tools->outcome(invocation, &outcome.content) != BRIDGE_OK) seen->bad++;
  if (outcome.content.status != BRIDGE_OK || !is_untouched(outcome.guard)) seen->bad++;
  seen->ended = 1;
}
static void on_cancel(void *context, bridge_status reason) {
  (void)reason;
  ++*(int *)context;
}

static int released;
static void release_counted(void *context) {
  released++;
  free(context);
}

// --- The tools.

// Streams 0 to 2, and answers what it was given.
static bridge_status run_echo(void *context, bridge_call *call, const bridge_variables *variables) {
  (void)variables;
  CHECK(context == &host);
  bridge_value value, other;
  CHECK(host->call->parameter(call, view("value"), &value) == BRIDGE_OK);
  CHECK(host->call->parameter(call, view("other"), &other) == BRIDGE_OK);
  CHECK(other.type == BRIDGE_TYPE_FLOAT && other.as.number == 0.5);
  bridge_str metadata;
  if (host->call->metadata(call, view("from"), &metadata) == BRIDGE_OK) CHECK(is(metadata, "tour"));
  for (int64_t i = 0; i < 3; i++) {
    bridge_value chunk = {.type = BRIDGE_TYPE_INTEGER, .as = {.integer = i}};
    bridge_status status;
    while ((status = host->call->emit(call, &chunk)) == BRIDGE_FULL)
      CHECK(host->call->wait_for_room(call) == BRIDGE_OK);
    if (status == BRIDGE_FAILED_PRECONDITION) break;
    CHECK(status == BRIDGE_OK);
  }
  CHECK(host->call->give_binary(call, "blob", 4, NULL, NULL) == BRIDGE_OK);
  CHECK(host->call->annotate(call, view("k"), view("v")) == BRIDGE_OK);
  return host->call->result(call, &value);
}

static bridge_status run_fail(void *context, bridge_call *call, const bridge_variables *variables) {
  (void)context, (void)variables;
  bridge_error error = {.size = sizeof error, .flags = BRIDGE_ERROR_RETRYABLE,
                        .code = BRIDGE_UNAVAILABLE, .message = BRIDGE_STR("closed"),
                        .type = BRIDGE_STR("closed_error"), .details = BRIDGE_STR("{\"a\":1}")};
  CHECK(host->call->fail(call, &error) == BRIDGE_OK);
  return BRIDGE_UNAVAILABLE;
}

static bridge_status tour_variables(bridge_call *call, bridge_variables *variables) {
  bridge_pair noted = {BRIDGE_STR("why"), BRIDGE_STR("tour")};
  bridge_creation creation = {.size = sizeof creation, .type = BRIDGE_TYPE_INTEGER,
                              .name = BRIDGE_STR(TEXT(ID)), .constraints = BRIDGE_STR("{\"min\":0}"),
                              .value = {.type = BRIDGE_TYPE_INTEGER, .as = {.integer = 1}},
                              .metadata = &noted, .metadata_count = 1};
  CHECK(host->variables->create(variables, &creation) == BRIDGE_OK);
  CHECK(host->variables->create(variables, &creation) == BRIDGE_ALREADY_EXISTS);

  static struct seen seen; // not on the stack: a tour that gives up leaves its watch behind
  seen = (struct seen){0};
  bridge_subscription subscription = {.size = sizeof subscription,
                                      .flags = BRIDGE_WATCH_INITIAL | BRIDGE_WITH_DETAILS,
                                      .identifiers = &creation.name, .identifier_count = 1,
                                      .on_change = on_change, .context = &seen};
  bridge_watch *watch;
  CHECK(host->variables->watch(variables, &subscription, &watch) == BRIDGE_OK);

  bridge_write write = {.size = sizeof write, .identifier = creation.name,
                        .value = {.type = BRIDGE_TYPE_INTEGER, .as = {.integer = 2}},
                        .expected_version = 1, .metadata = &noted, .metadata_count = 1,
                        .release = release_counted, .context = malloc(1)};
  int32_t version = 0;
  int before = released;
  CHECK(host->variables->set(variables, &write, &version) == BRIDGE_OK);
  CHECK(version == 2 && released == before + 1);
  write.release = NULL;
  CHECK(host->variables->set(variables, &write, NULL) == BRIDGE_ABORTED);
  GUARDED(bridge_error, last);
  CHECK(host->call->last_error(call, &last.content) == BRIDGE_OK);
  CHECK(is_untouched(last.guard) && last.content.code == BRIDGE_ABORTED);
  CHECK(last.content.reserved == 0 && last.content.message.length > 0);
  CHECK(last.content.flags == BRIDGE_ERROR_RETRYABLE);
  write.expected_version = 2;
  bridge_write check = {.size = sizeof check, .flags = BRIDGE_WRITE_CHECK_ONLY,
                        .identifier = BRIDGE_STR("counter"), .expected_version = 1};
  const bridge_write *writes[] = {&check, &write};
  int32_t versions[2] = {0, 0};
  CHECK(host->variables->set_all(variables, writes, 2, versions) == BRIDGE_OK);
  CHECK(versions[0] == 1 && versions[1] == 3);
  check.expected_version = 7;
  write.expected_version = 0;
  CHECK(host->variables->set_all(variables, writes, 2, NULL) == BRIDGE_ABORTED);

  bridge_snapshot *snapshot;
  CHECK(host->variables->get(variables, creation.name, 0, &snapshot) == BRIDGE_OK);
  GUARDED(bridge_variable, plain);
  CHECK(host->variables->read(snapshot, &plain.content) == BRIDGE_OK);
  CHECK(is_untouched(plain.guard) && plain.content.details == NULL);
  CHECK(host->variables->release(snapshot) == BRIDGE_OK);
  CHECK(host->variables->get(variables, creation.name, BRIDGE_WITH_DETAILS, &snapshot) == BRIDGE_OK);
  GUARDED(bridge_variable, variable);
  CHECK(host->variables->read(snapshot, &variable.content) == BRIDGE_OK);
  CHECK(is_untouched(variable.guard) && is_whole(&variable.content));
  CHECK(variable.content.version == 3 && variable.content.value.as.integer == 2);
  const bridge_details *details = variable.content.details;
  CHECK(is(details->constraints, "{\"min\":0}") && is(details->writer, "tool:" TEXT(ID) "_tour"));
  int found = 0;
  for (size_t i = 0; i < details->metadata_count; i++)
    found += is(details->metadata[i].key, "why") && is(details->metadata[i].value, "tour");
  CHECK(found == 1);
  CHECK(host->variables->release(snapshot) == BRIDGE_OK);
  CHECK(host->variables->read(snapshot, &variable.content) == BRIDGE_FAILED_PRECONDITION);

  struct seen listed = {0};
  CHECK(host->variables->list(variables, view("*"), BRIDGE_WITH_DETAILS, on_variable, &listed) ==
        BRIDGE_OK);
  CHECK(listed.variables == 2 && listed.bad == 0);
  while (*(volatile int *)&seen.values < 2) CHECK(host->call->sleep(call, 1000000) == BRIDGE_OK);
  CHECK(host->variables->unwatch(watch) == BRIDGE_OK);
  CHECK(seen.initial == 1 && seen.synced == 1 && seen.bad == 0);
  CHECK(host->variables->remove(variables, creation.name) == BRIDGE_OK);

  // What the host does not know is refused.
  write.flags = 1u << 31;
  CHECK(host->variables->set(variables, &write, NULL) == BRIDGE_INVALID_ARGUMENT);
  write.flags = 0;
  write.reserved = 1;
  CHECK(host->variables->set(variables, &write, NULL) == BRIDGE_INVALID_ARGUMENT);
  CHECK(host->variables->get(variables, creation.name, 1u << 31, &snapshot) ==
        BRIDGE_INVALID_ARGUMENT);
  return BRIDGE_OK;
}

static bridge_status tour_tools(bridge_call *call) {
  bridge_argument argument = {BRIDGE_STR("value"), {.type = BRIDGE_TYPE_STRING, .as = {.text = BRIDGE_STR("x")}}};
  bridge_pair metadata = {BRIDGE_STR("from"), BRIDGE_STR("tour")};
  static struct seen seen; // not on the stack: a tour that gives up leaves its watch behind
  seen = (struct seen){0};
  bridge_request request = {.size = sizeof request, .tool = NAME("_echo"), .arguments = &argument,
                            .argument_count = 1, .metadata = &metadata, .metadata_count = 1,
                            .timeout = INT64_MAX, .on_chunk = on_chunk, .on_end = on_end,
                            .context = &seen};
  bridge_invocation *invocation;
  CHECK(host->tools->invoke(call, &request, &invocation) == BRIDGE_OK);
  GUARDED(bridge_outcome, outcome);
  CHECK(host->tools->outcome(invocation, &outcome.content) == BRIDGE_OK);
  CHECK(is_untouched(outcome.guard) && outcome.content.status == BRIDGE_OK);
  CHECK(outcome.content.value.type == BRIDGE_TYPE_STRING && is(outcome.content.value.as.text, "x"));
  CHECK(is(outcome.content.binary, "blob") && outcome.content.error == NULL);
  CHECK(outcome.content.metadata_count == 1 && is(outcome.content.metadata->value, "v"));
  while (!seen.ended) CHECK(host->call->sleep(call, 1000000) == BRIDGE_OK);
  CHECK(host->tools->drop(invocation) == BRIDGE_OK);
  CHECK(seen.values == 3 && seen.bad == 0);
  CHECK(host->tools->outcome(invocation, &outcome.content) == BRIDGE_FAILED_PRECONDITION);

  request = (bridge_request){.size = sizeof request, .tool = NAME("_fail")};
  CHECK(host->tools->invoke(call, &request, &invocation) == BRIDGE_OK);
  CHECK(host->tools->outcome(invocation, &outcome.content) == BRIDGE_OK);
  CHECK(outcome.content.status == BRIDGE_UNAVAILABLE && outcome.content.error);
  const bridge_error *error = outcome.content.error;
  CHECK(error->size >= 64 && error->code == BRIDGE_UNAVAILABLE && is(error->message, "closed"));
  CHECK(is(error->type, "closed_error") && is(error->details, "{\"a\":1}"));
  CHECK(error->flags == BRIDGE_ERROR_RETRYABLE);
  CHECK(host->tools->drop(invocation) == BRIDGE_OK);
  request.tool = view("no_such_tool");
  CHECK(host->tools->invoke(call, &request, &invocation) == BRIDGE_NOT_FOUND);
  request.flags = 1u << 31;
  CHECK(host->tools->invoke(call, &request, &invocation) == BRIDGE_INVALID_ARGUMENT);
  return BRIDGE_OK;
}

static bridge_status run_tour(void *context, bridge_call *call, bridge_variables *variables) {
  (void)context;
  CHECK(host->size >= 96 && host->call->size >= 184 && host->variables->size >= 88);
  CHECK(host->tools->size >= 32 && is(host->name, "bridge-host") && host->version.length > 0);
  CHECK(host->extension(host, view("nothing"), 1) == NULL);
  CHECK(is(configuration, "{\"depth\":3}"));
  bridge_str id;
  CHECK(host->call->session_id(call, &id) == BRIDGE_OK && id.length > 0);
  int64_t remaining;
  CHECK(host->call->remaining(call, &remaining) == BRIDGE_OK && remaining > 0);
  CHECK(host->call->check(call) == BRIDGE_OK && host->call->sleep(call, 1) == BRIDGE_OK);
  CHECK(host->call->progress(call, 0.5, view("half")) == BRIDGE_OK);
  host->call->log(call, BRIDGE_LOG_INFO, view("touring"));
  host->log(host, BRIDGE_LOG_INFO, view("touring outside"));

  void *state, *kept = NULL;
  CHECK(host->call->state(call, &state) == BRIDGE_NOT_FOUND);
  void *first = malloc(1);
  CHECK(host->call->keep_state(call, first, release_counted, &kept) == BRIDGE_OK && kept == first);
  CHECK(host->call->keep_state(call, &kept, NULL, &state) == BRIDGE_ALREADY_EXISTS);
  CHECK(state == first && host->call->state(call, &state) == BRIDGE_OK && state == first);

  bridge_listener *listener;
  static int told;
  CHECK(host->call->on_cancel(call, on_cancel, &told, &listener) == BRIDGE_OK);
  CHECK(host->call->forget(listener) == BRIDGE_OK && told == 0);
  CHECK(host->call->forget(listener) == BRIDGE_FAILED_PRECONDITION);

  bridge_status status = tour_variables(call, variables);
  if (status == BRIDGE_OK) status = tour_tools(call);
  if (status != BRIDGE_OK) return status;

  bridge_token *token;
  CHECK(host->call->retain(call, &token) == BRIDGE_OK);
  char *text = malloc(8);
  memcpy(text, "all well", 8);
  bridge_value result = {.type = BRIDGE_TYPE_STRING, .as = {.text = {text, 8}}};
  CHECK(host->call->give_result(call, &result, release_counted, text) == BRIDGE_OK);
  return host->call->complete(token, BRIDGE_OK) == BRIDGE_OK ? BRIDGE_PENDING : BRIDGE_INTERNAL;
}

// How often something was released.
static bridge_status run_released(void *context, bridge_call *call,
                                  const bridge_variables *variables) {
  (void)context, (void)variables;
  bridge_value result = {.type = BRIDGE_TYPE_INTEGER, .as = {.integer = released}};
  return host->call->result(call, &result);
}

// --- What the plugin says of itself.

static const bridge_value half = {.type = BRIDGE_TYPE_FLOAT, .as = {.number = 0.5}};
static const bridge_parameter value_parameter = {
    .size = sizeof value_parameter, .flags = BRIDGE_PARAMETER_REQUIRED, .name = BRIDGE_STR("value"),
    .description = BRIDGE_STR("What to answer."), .type = BRIDGE_TYPE_STRING,
    .constraints = BRIDGE_STR("{\"max_length\":3}")};
static const bridge_parameter other_parameter = {
    .size = sizeof other_parameter, .name = BRIDGE_STR("other"), .type = BRIDGE_TYPE_FLOAT,
    .default_value = &half};
static const bridge_parameter object_parameter = {
    .size = sizeof object_parameter, .name = BRIDGE_STR("object"), .type = BRIDGE_TYPE_OBJECT,
    .schema = BRIDGE_STR("{\"required\":[\"a\"]}")};
static const bridge_parameter *const parameters[] = {&value_parameter, &other_parameter,
                                                     &object_parameter};
static const bridge_output output = {.size = sizeof output, .type = BRIDGE_TYPE_STRING,
                                     .description = BRIDGE_STR("The same."),
                                     .constraints = BRIDGE_STR("{\"max_length\":3}")};
static const bridge_tool echo = {
    .size = sizeof echo, .flags = BRIDGE_TOOL_STREAMS | BRIDGE_TOOL_IDEMPOTENT, .name = NAME("_echo"),
    .title = BRIDGE_STR("Echo"), .description = BRIDGE_STR("Answers what it is given."),
    .threading = BRIDGE_PARALLEL, .concurrency = 4, .parameters = parameters, .parameter_count = 3,
    .output = &output, .context = &host, .run_read_only = run_echo};
static const bridge_tool failing = {.size = sizeof failing, .name = NAME("_fail"),
                                    .threading = BRIDGE_PARALLEL, .run_read_only = run_fail};
static const bridge_tool tour = {.size = sizeof tour, .name = NAME("_tour"),
                                 .threading = BRIDGE_SERIAL, .run = run_tour};
static const bridge_tool count = {.size = sizeof count, .name = NAME("_released"),
                                  .threading = BRIDGE_PARALLEL, .run_read_only = run_released};
static const bridge_tool *const tools[] = {&echo, &failing, &tour, &count};

static bridge_status start(const bridge_host *given, bridge_str text) {
  if (given != host) return BRIDGE_INTERNAL;
  char *copy = malloc(text.length + 1);
  memcpy(copy, text.data, text.length);
  configuration = (bridge_str){copy, text.length};
  return BRIDGE_OK;
}
static bridge_status stop(void) { return BRIDGE_OK; }
static const void *extension(bridge_str name, uint32_t revision) {
  static const int number = 42;
  return is(name, "number") && revision == 1 ? &number : NULL;
}

static bridge_plugin plugin = {
    .size = sizeof plugin, .abi_version = BRIDGE_ABI_VERSION, .name = NAME(""),
    .version = BRIDGE_STR("1.0"), .description = BRIDGE_STR("A tour of the ABI."), .tools = tools,
    .tool_count = sizeof tools / sizeof *tools,
    .configuration_schema = BRIDGE_STR("{\"properties\":{\"depth\":{\"type\":\"integer\"}}}"),
    .init = start, .deinit = stop, .extension = extension};

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *given, const bridge_plugin **answer) {
  host = given;
  *answer = &plugin;
#ifdef NEXT_FIELD
  // A field that a host of version 1.0 does not know.
  const char *text = getenv("BRIDGE_TEST_NEXT_FIELD");
  plugin.next_text = text;
#endif
  return BRIDGE_OK;
}
