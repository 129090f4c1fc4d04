// All that bridge_plugin.hpp wraps, for test_wrappers.py. The crate's example `wrappers` has the same tools.

#include <bridge_plugin.hpp>

#include <condition_variable>
#include <future>
#include <mutex>

namespace {

double factor = 1;

std::string known(bridge::Call &, const bridge::Variables &) {
  throw bridge::Error(BRIDGE_OUT_OF_RANGE, "too far", "far", R"({"by": 3})", true);
}

std::string other(bridge::Call &, const bridge::Variables &) { throw std::logic_error("not thought of"); }

void nothing(bridge::Call &, bridge::Variables &) {}

// Every type of parameters, the optional ones too, in one text.
std::string kinds(bridge::Call &call, const bridge::Variables &) {
  std::string text = std::string(call.parameter<std::string_view>("text"));
  text += call.parameter<bool>("flag") ? " yes" : " no";
  text += " " + std::to_string(call.parameter<std::int32_t>("integer"));
  text += " " + std::to_string(static_cast<int>(call.parameter<double>("number") * factor));
  text += " " + call.parameter<bridge::Json>("json").text;
  double sum = 0;
  for (const double number : call.parameter<std::vector<double>>("vector")) sum += number;
  text += " " + std::to_string(static_cast<int>(sum));
  text += " " + call.optional<std::string>("note").value_or("without a note");
  return text;
}

bridge::Tensor twice(bridge::Call &call, const bridge::Variables &) {
  bridge::Tensor tensor = call.parameter<bridge::Tensor>("tensor");
  for (double &number : tensor.numbers) number *= 2;
  return tensor;
}

std::vector<double> read_embedding(bridge::Call &, const bridge::Variables &variables) {
  return variables.snapshot("vector").get<bridge::Numbers>().doubles();
}

// Creates, lists, compares and sets, and removes.
std::string variables(bridge::Call &, bridge::Variables &variables) {
  variables.create("made.a", 1.5, R"({"max": 10})");
  variables.create("made.b", std::string("b"));
  const auto version = variables.set("made.a", 2.5);
  std::string text = std::to_string(version);
  try {
    variables.set("made.a", 3.5, version - 1);
  } catch (const bridge::Error &error) {
    text += " " + std::to_string(error.code());
  }
  try {
    variables.set("made.a", 11.0);
  } catch (const bridge::Error &error) {
    text += " " + std::to_string(error.code());
  }
  for (const std::string &name : variables.names("made.*")) text += " " + name;
  variables.remove("made.b");
  text += variables.contains("made.b") ? " still there" : " gone";
  return text;
}

// Waits until a watch has seen two changes.
std::string watches(bridge::Call &call, bridge::Variables &variables) {
  std::mutex mutex;
  std::condition_variable changed;
  std::string seen;
  int count = 0;
  const bridge::Watch watch = variables.watch({"x"}, [&](const bridge_change &change) {
    const std::lock_guard<std::mutex> guard(mutex);
    if (change.kind != BRIDGE_CHANGE_VALUE) return;
    seen += std::to_string(static_cast<int>(change.variable->value.as.number)) + " ";
    count++;
    changed.notify_all();
    if (count == 2) throw std::runtime_error("dropped");
  });
  variables.set("x", 2.0);
  variables.set("x", 3.0);
  std::unique_lock<std::mutex> lock(mutex);
  while (count < 2) {
    changed.wait_for(lock, std::chrono::milliseconds(10));
    call.check();
  }
  return seen;
}

struct Counter {
  std::mutex mutex;
  std::int64_t calls = 0;
};

std::int64_t counts(bridge::Call &call, const bridge::Variables &) {
  auto &counter = call.state<Counter>();
  const std::lock_guard<std::mutex> guard(counter.mutex);
  return ++counter.calls;
}

std::string calls(bridge::Call &call, bridge::Variables &) {
  std::string text;
  for (int i = 0; i < 3; i++) text += std::to_string(call.call("counts").get<std::int64_t>()) + " ";
  const auto outcome = call.call(
      "kinds", {{"text", std::string("called")}, {"flag", true}, {"integer", 7}, {"number", 1.0},
                {"json", bridge::Json{"[1]"}}, {"vector", std::vector<double>{1, 2}}});
  text += outcome.get<std::string_view>();
  try {
    call.call("known");
  } catch (const bridge::Error &error) {
    text += std::string(", ") + error.what() + " " + error.type() + (error.retryable() ? " again" : "");
  }
  return text;
}

// Waits for something else than the host, until it is told of its end.
std::string ends(bridge::Call &call, const bridge::Variables &) {
  std::promise<bridge_status> promise;
  const bridge::Listener listener =
      call.on_cancel([&promise](bridge_status reason) { promise.set_value(reason); });
  const bridge_status reason = promise.get_future().get();
  bridge::host().log(&bridge::host(), BRIDGE_LOG_INFO,
                     bridge::str(reason == BRIDGE_CANCELLED ? "told" : "late"));
  call.check();
  return "not to end";
}

std::string answers(bridge::Call &call, const bridge::Variables &) {
  call.binary("beside");
  call.annotate("mood", "good");
  call.log(BRIDGE_LOG_WARNING, "logged");
  return std::string(call.session_id().empty() ? "nobody" : "somebody") +
         (call.metadata("nothing") ? " with" : " without") + (call.remaining() ? " a deadline" : " end");
}

void configure(std::string_view json) {
  if (json.find("\"double\"") != std::string_view::npos) factor = 2;
  if (json.find("\"broken\"") != std::string_view::npos) throw std::runtime_error("such a mode is broken");
}

bridge::Plugin plugin() {
  bridge::Plugin plugin("wrappers", "1.0", "All that the wrapper wraps.");
  plugin.configuration(R"({"type": "object", "properties": {"mode": {"type": "string"}}})", configure);
  plugin.add(bridge::Tool("known", "Fails as it says.", known));
  plugin.add(bridge::Tool("other", "Fails as it does not say.", other).serial());
  plugin.add(bridge::Tool("nothing", "Answers nothing.", nothing));
  plugin.add(bridge::Tool("kinds", "Takes all types.", kinds)
                 .title("Kinds")
                 .required<std::string>("text", "A text.")
                 .defaulted<bool>("flag", "A flag.", true)
                 .defaulted<std::int32_t>("integer", "An integer.", 7, R"({"max": 10})")
                 .required<double>("number", "A number.")
                 .required<bridge::Json>("json", "JSON.", R"({"type": "array", "examples": [[1], [1, 2]]})")
                 .required<std::vector<double>>("vector", "A vector.")
                 .optional<std::string>("note", "A note.")
                 .idempotent());
  plugin.add(bridge::Tool("twice", "Doubles.", twice).required<bridge::Tensor>("tensor", "A tensor."));
  plugin.add(bridge::Tool("read_embedding", "Reads.", read_embedding).reads({"vector"}));
  plugin.add(bridge::Tool("variables", "Makes variables.", variables).writes({"made.*"}));
  plugin.add(bridge::Tool("watches", "Watches a variable.", watches));
  plugin.add(bridge::Tool("counts", "Counts calls of a session.", counts));
  plugin.add(bridge::Tool("calls", "Calls other tools.", calls).concurrency(4));
  plugin.add(bridge::Tool("ends", "Waits for its end.", ends));
  plugin.add(bridge::Tool("answers", "Answers in all ways.", answers).answers("Who has called."));
  return plugin;
}

} // namespace

BRIDGE_PLUGIN(plugin)
