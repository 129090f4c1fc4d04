// The plugin my-plugin: one tool that changes a variable, and one that streams.

#include <bridge_plugin.hpp>

// Reads a variable and writes it; `update` begins again when somebody else has written it meanwhile.
static double add(bridge::Call &call, bridge::Variables &variables) {
  const double amount = call.parameter<double>("amount");
  return variables.update<double>(call.parameter<std::string_view>("variable"),
                                  [&](double value) { return value + amount; });
}

// Streams as fast as the client takes it. `progress` and `emit` throw when the call is cancelled.
static std::int64_t count(bridge::Call &call, const bridge::Variables &) {
  const auto to = call.parameter<std::int64_t>("to");
  for (std::int64_t number = 1; number <= to; number++) {
    if (!call.emit(number)) break; // nobody streams: the result is all that is wanted
    call.progress(static_cast<double>(number) / static_cast<double>(to));
  }
  return to;
}

static bridge::Plugin plugin() {
  bridge::Plugin plugin("my-plugin", "0.1.0", "What my-plugin is for.");
  plugin.add(bridge::Tool("my_plugin_add", "Adds a number to a variable of the session.", add)
                 .required<std::string>("variable", "The name of a float variable.")
                 .defaulted<double>("amount", "What to add to it.", 1)
                 .answers("The new value."));
  plugin.add(bridge::Tool("my_plugin_count", "Streams the numbers from 1 up.", count)
                 .defaulted<std::int64_t>("to", "The last number.", 3,
                                          R"({"min": 0, "max": 100000, "examples": [1, 10]})")
                 .answers("How many numbers there were.")
                 .streams()
                 .idempotent());
  return plugin;
}
BRIDGE_PLUGIN(plugin)
