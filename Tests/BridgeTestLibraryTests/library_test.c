// Tests the example plugin, and a plugin of its own, with bridge_plugin_testing.h.
#include <bridge_plugin_testing.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                      \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

static int has(char *text, const char *expected) {
  int same = text != NULL && strcmp(text, expected) == 0;
  if (!same) fprintf(stderr, "not %s but %s\n", expected, text ? text : "nothing");
  bridge_test_free(text);
  return same;
}

// A plugin that is part of the program.
static const bridge_host *api;

static bridge_status hello(void *context, bridge_call *call, const bridge_variables *variables) {
  (void)context, (void)variables;
  bridge_value greeting = {.type = BRIDGE_TYPE_STRING, .as = {.text = BRIDGE_STR("Hello!")}};
  return api->call->result(call, &greeting);
}

static bridge_status enter(const bridge_host *host, const bridge_plugin **plugin) {
  static const bridge_tool tool = {.size = sizeof tool, .name = BRIDGE_STR("hello"),
                                   .threading = BRIDGE_PARALLEL, .run_read_only = hello};
  static const bridge_tool *const tools[] = {&tool};
  static const bridge_plugin linked = {.size = sizeof linked, .abi_version = BRIDGE_ABI_VERSION,
                                       .name = BRIDGE_STR("linked"), .version = BRIDGE_STR("1"),
                                       .tools = tools, .tool_count = 1};
  api = host;
  *plugin = &linked;
  return BRIDGE_OK;
}

static const char *example;

static void *one(void *unused) {
  (void)unused;
  bridge_test_host *host = bridge_test_host_new("{\"clock\": \"sleeping\"}");
  CHECK(host != NULL);
  CHECK(bridge_test_load(host, example) == 0);
  CHECK(bridge_test_define(host, "temperature", "float", "21.5") == 0);
  CHECK(bridge_test_expect_result(host, "scale_variable",
                                  "{\"variable\": \"temperature\", \"factor\": 2}", "43") == 0);
  CHECK(bridge_test_expect_variable(host, "temperature", "43") == 0);
  CHECK(bridge_test_expect_failure(host, "scale_variable",
                                   "{\"variable\": \"nothing\", \"factor\": 2}", BRIDGE_NOT_FOUND,
                                   "nothing") == 0);
  // Hours pass in no time.
  char *record = bridge_test_call(host, "countdown", "{\"from\": 3, \"interval_ms\": 60000}");
  CHECK(has(bridge_test_part(record, "/chunks"), "[3,2,1]"));
  CHECK(has(bridge_test_part(record, "/trace/1/function"), "\"call.parameter\""));
  CHECK(bridge_test_part(record, "/trace/1000") == NULL);
  bridge_test_free(record);
  CHECK(bridge_test_host_delete(host) == 0);
  return NULL;
}

int main(int count, char **arguments) {
  example = arguments[1];
  if (count > 2) {
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) pthread_create(&threads[i], NULL, one, NULL);
    for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
    return 0;
  }
  one(NULL);

  bridge_test_host *host = bridge_test_host_new(NULL);
  CHECK(bridge_test_enter(host, enter, "linked", NULL) == 0);
  CHECK(bridge_test_expect_result(host, "hello", NULL, "\"Hello!\"") == 0);
  CHECK(has(bridge_test_request(host, "{\"do\": \"log\"}"), "{\"ok\":true,\"lines\":[]}"));
  CHECK(bridge_test_host_delete(host) == 0);

  static const char json[] = "{\"a\": [1, {\"b/c\": 2, \"~\": null}]}";
  CHECK(has(bridge_test_part(json, ""), "{\"a\":[1,{\"b/c\":2,\"~\":null}]}"));
  CHECK(has(bridge_test_part(json, "/a/1/b~1c"), "2"));
  CHECK(has(bridge_test_part(json, "/a/1/~0"), "null"));
  static const char *const nowhere[] = {"a", "/b", "/a/2", "/a/x", "/a/0/x", "/a/-1", "/"};
  for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++)
    CHECK(bridge_test_part(json, nowhere[i]) == NULL);
  CHECK(bridge_test_part(NULL, "") == NULL && bridge_test_part("{", "") == NULL);
  CHECK(bridge_test_load(NULL, example) == 1 && bridge_test_request(NULL, "{}") == NULL);
  CHECK(bridge_test_host_delete(NULL) == 0);

  // What is not as expected is shown, and counted.
  host = bridge_test_host_new(NULL);
  CHECK(bridge_test_load(host, "/nowhere.so") == 1);
  CHECK(bridge_test_load(host, example) == 0);
  CHECK(bridge_test_define(host, "temperature", "warmth", "1") == 1);
  CHECK(bridge_test_define(host, "temperature", "float", "43") == 0);
  CHECK(bridge_test_expect_result(host, "echo", "{\"text\": \"hi\"}", "\"ho\"") == 1);
  CHECK(bridge_test_expect_result(host, "echo", "{\"text\": ", "\"ho\"") == 1);
  CHECK(bridge_test_expect_result(host, "echo", "{}", "\"ho\"") == 1);
  CHECK(bridge_test_expect_failure(host, "echo", "{\"text\": \"hi\"}", BRIDGE_ABORTED, "") == 1);
  CHECK(bridge_test_expect_variable(host, "temperature", "42.0") == 1);
  CHECK(bridge_test_expect_variable(host, "nothing", "42.0") == 1);
  CHECK(bridge_test_host_new("{\"clock\": \"broken\"}") == NULL);
  CHECK(bridge_test_host_delete(host) == 8);
  return 0;
}
