// Tools that take and give what is large.
#include "fixture.h"

#include <stdlib.h>

static bridge_status give(bridge_call *call, const char *data, size_t count, void (*back)(void *)) {
  bridge_value value;
  memset(&value, 0, sizeof value);
  value.type = BRIDGE_TYPE_BYTES;
  value.as.text.data = data;
  value.as.text.length = count;
  return host->call->give_result(call, &value, back, (void *)data);
}

// Answers what it is given with every bit turned.
static bridge_status invert(void *c, bridge_call *call, bridge_variables *v) {
  (void)c, (void)v;
  bridge_value data;
  const bridge_status status = host->call->parameter(call, view("data"), &data);
  if (status != BRIDGE_OK) return status;
  const size_t count = data.as.text.length;
  char *turned = malloc(count + 1);
  for (size_t index = 0; index < count; index++) turned[index] = (char)~data.as.text.data[index];
  return give(call, turned, count, free);
}

static void keep(void *memory) { (void)memory; }

// Answers as many bytes as it is given, of memory that it has for good.
static bridge_status swap(void *c, bridge_call *call, bridge_variables *v) {
  (void)c, (void)v;
  static char memory[16 << 20];
  bridge_value data;
  const bridge_status status = host->call->parameter(call, view("data"), &data);
  if (status != BRIDGE_OK) return status;
  size_t count = data.as.text.length;
  if (count > sizeof memory) count = sizeof memory;
  return give(call, memory, count, keep);
}

BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *given, const bridge_plugin **plugin) {
  static bridge_tool tools[2];
  static const bridge_tool *list[2];
  static bridge_parameter data;
  static const bridge_parameter *const parameters[] = {&data};
  static bridge_plugin self;
  host = given;
  data.size = sizeof data;
  data.name = view("data");
  data.type = BRIDGE_TYPE_BYTES;
  data.flags = BRIDGE_PARAMETER_REQUIRED;
  tools[0] = tool_of("invert", 0, invert);
  tools[1] = tool_of("swap", 0, swap);
  for (size_t index = 0; index < 2; index++) {
    tools[index].parameters = parameters;
    tools[index].parameter_count = 1;
    list[index] = &tools[index];
  }
  self = plugin_of("large", list, 2);
  *plugin = &self;
  return BRIDGE_OK;
}
