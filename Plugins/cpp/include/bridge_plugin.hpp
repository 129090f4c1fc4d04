// Plugins of bridge-host in C++17: a wrapper over bridge_plugin.h, in this header alone.
//
//     #include <bridge_plugin.hpp>
//
//     static double half(bridge::Call &call, const bridge::Variables &) {
//       return call.parameter<double>("number") / 2;
//     }
//
//     static bridge::Plugin plugin() {
//       bridge::Plugin plugin("halves", "1.0", "Halves numbers.");
//       plugin.add(bridge::Tool("half", "Answers half of a number.", half)
//                      .required<double>("number", "The number."));
//       return plugin;
//     }
//     BRIDGE_PLUGIN(plugin)
//
// A tool is a function of a Call, and of Variables that it may only read (const) or also write. What it
// returns is its result. What it throws ends its call: an Error with its code, message and type, anything
// else with BRIDGE_INTERNAL. Functions throw Error for what the host answers, so cancellation needs nothing
// else: `check`, `progress`, `emit` and `sleep` throw when the call is to end.
//
// A Call and its Variables may be used from any thread for as long as the tool's function runs; views
// (std::string_view, Numbers) are valid as long. What else there is: Call::raw() and bridge::host().
#ifndef BRIDGE_PLUGIN_HPP
#define BRIDGE_PLUGIN_HPP

#include <bridge_plugin.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace bridge {

namespace detail {
inline const bridge_host *&host_slot() {
  static const bridge_host *host = nullptr;
  return host;
}
} // namespace detail

// The host's tables; set once, before the plugin is described.
inline const bridge_host &host() { return *detail::host_slot(); }

// A view for the host. It is valid as long as the text.
inline bridge_str str(std::string_view text) { return {text.data(), text.size()}; }

// A text of the host's.
inline std::string_view view(bridge_str text) {
  return text.length == 0 ? std::string_view() : std::string_view(text.data, text.length);
}

// Why something failed: what a tool throws, and what functions of the host's throw.
class Error : public std::runtime_error {
public:
  // `type` is a short name for programs, `details` a JSON object; both may be empty.
  Error(bridge_status code, const std::string &message, std::string type = {}, std::string details = {},
        bool retryable = false)
      : std::runtime_error(message), code_(code), type_(std::move(type)), details_(std::move(details)),
        retryable_(retryable) {}

  bridge_status code() const noexcept { return code_; }
  const std::string &type() const noexcept { return type_; }
  const std::string &details() const noexcept { return details_; }
  // Whether the same call may succeed later.
  bool retryable() const noexcept { return retryable_; }

private:
  bridge_status code_;
  std::string type_;
  std::string details_;
  bool retryable_;
};

namespace detail {
inline Error error(const bridge_error &error, bridge_status status) {
  return Error(status, std::string(view(error.message)), std::string(view(error.type)),
               std::string(view(error.details)), (error.flags & BRIDGE_ERROR_RETRYABLE) != 0);
}

// Throws what the host has to say of a function that has just failed on this thread.
[[noreturn]] inline void refuse(const bridge_call *call, bridge_status status) {
  bridge_error detail{};
  detail.size = sizeof detail;
  if (host().call->last_error(call, &detail) == BRIDGE_OK && detail.code == status) {
    throw error(detail, status);
  }
  if (status == BRIDGE_CANCELLED) throw Error(status, "the call was cancelled");
  if (status == BRIDGE_DEADLINE_EXCEEDED) throw Error(status, "the deadline has passed");
  throw Error(status, "the host answered status " + std::to_string(status));
}

inline void expect(const bridge_call *call, bridge_status status) {
  if (status != BRIDGE_OK) refuse(call, status);
}
} // namespace detail

// --- Values

// JSON text: what parameters of type object, array and any hold.
struct Json {
  std::string text;
  bridge_type type = BRIDGE_TYPE_ANY;
};

// Bytes, as they are.
struct Bytes {
  std::string data;
};

// Numbers that somebody else owns: no copy. `as<double>()` looks at them where they are.
class Numbers {
public:
  Numbers() : numbers_{} {}
  explicit Numbers(const bridge_numbers &numbers) : numbers_(numbers) {}

  bridge_element element() const { return numbers_.element; }
  std::size_t size() const { return numbers_.count; }
  const void *data() const { return numbers_.data; }
  // Lengths, outermost first.
  std::vector<std::uint64_t> shape() const {
    if (numbers_.shape == nullptr) {
      return numbers_.rank == 0 ? std::vector<std::uint64_t>() : std::vector<std::uint64_t>{numbers_.count};
    }
    return std::vector<std::uint64_t>(numbers_.shape, numbers_.shape + numbers_.rank);
  }
  // The numbers, `size()` of them. Throws when they are of another element type.
  template <typename T> const T *as() const;
  // A copy, converted: of any element type.
  std::vector<double> doubles() const;

  const bridge_numbers &raw() const { return numbers_; }

private:
  bridge_numbers numbers_;
};

template <typename T> struct ElementOf;
template <> struct ElementOf<double> { static constexpr bridge_element value = BRIDGE_FLOAT64; };
template <> struct ElementOf<float> { static constexpr bridge_element value = BRIDGE_FLOAT32; };
template <> struct ElementOf<std::int64_t> { static constexpr bridge_element value = BRIDGE_INT64; };
template <> struct ElementOf<std::int32_t> { static constexpr bridge_element value = BRIDGE_INT32; };
template <> struct ElementOf<std::int16_t> { static constexpr bridge_element value = BRIDGE_INT16; };
template <> struct ElementOf<std::int8_t> { static constexpr bridge_element value = BRIDGE_INT8; };
template <> struct ElementOf<std::uint64_t> { static constexpr bridge_element value = BRIDGE_UINT64; };
template <> struct ElementOf<std::uint32_t> { static constexpr bridge_element value = BRIDGE_UINT32; };
template <> struct ElementOf<std::uint16_t> { static constexpr bridge_element value = BRIDGE_UINT16; };
template <> struct ElementOf<std::uint8_t> { static constexpr bridge_element value = BRIDGE_UINT8; };

template <typename T> const T *Numbers::as() const {
  if (numbers_.element != ElementOf<T>::value) {
    throw Error(BRIDGE_INVALID_ARGUMENT, "the numbers are of another element type");
  }
  return static_cast<const T *>(numbers_.data);
}

inline std::vector<double> Numbers::doubles() const {
  std::vector<double> result(numbers_.count);
  const auto copy = [&](const auto *from) {
    for (std::size_t i = 0; i < result.size(); i++) result[i] = static_cast<double>(from[i]);
  };
  switch (numbers_.element) {
  case BRIDGE_FLOAT64: copy(static_cast<const double *>(numbers_.data)); break;
  case BRIDGE_FLOAT32: copy(static_cast<const float *>(numbers_.data)); break;
  case BRIDGE_INT64: copy(static_cast<const std::int64_t *>(numbers_.data)); break;
  case BRIDGE_INT32: copy(static_cast<const std::int32_t *>(numbers_.data)); break;
  case BRIDGE_INT16: copy(static_cast<const std::int16_t *>(numbers_.data)); break;
  case BRIDGE_INT8: copy(static_cast<const std::int8_t *>(numbers_.data)); break;
  case BRIDGE_UINT64: copy(static_cast<const std::uint64_t *>(numbers_.data)); break;
  case BRIDGE_UINT32: copy(static_cast<const std::uint32_t *>(numbers_.data)); break;
  case BRIDGE_UINT16: copy(static_cast<const std::uint16_t *>(numbers_.data)); break;
  case BRIDGE_UINT8:
  case BRIDGE_BOOL: copy(static_cast<const std::uint8_t *>(numbers_.data)); break;
  default: throw Error(BRIDGE_UNIMPLEMENTED, "the numbers are of an element type that is not known");
  }
  return result;
}

// Numbers with a shape that are handed to the host without a copy: it frees them.
struct Tensor {
  std::vector<double> numbers;
  std::vector<std::uint64_t> shape;
};

namespace detail {
inline bridge_value value_of(bridge_type type) {
  bridge_value value{};
  value.type = type;
  return value;
}

inline bridge_value text_of(bridge_type type, std::string_view text) {
  bridge_value value = value_of(type);
  value.as.text = str(text);
  return value;
}

inline bridge_value numbers_of(bridge_type type, const double *data, std::size_t count,
                               const std::uint64_t *shape, std::size_t rank) {
  bridge_value value = value_of(type);
  value.as.numbers.data = data;
  value.as.numbers.count = count;
  value.as.numbers.element = BRIDGE_FLOAT64;
  value.as.numbers.rank = static_cast<std::uint32_t>(rank);
  value.as.numbers.shape = shape;
  return value;
}

[[noreturn]] inline void wrong_type(const char *wanted) {
  throw Error(BRIDGE_INVALID_ARGUMENT, std::string("the value is no ") + wanted);
}
} // namespace detail

// How a C++ type is a value. `type` is what a parameter or a result of it declares; `view` makes a value
// that lasts as long as what it was made from; `from` reads one.
template <typename T, typename = void> struct ValueOf;

template <typename T> struct ValueOf<T, std::enable_if_t<std::is_floating_point_v<T>>> {
  static constexpr bridge_type type = BRIDGE_TYPE_FLOAT;
  static bridge_value view(T number) {
    bridge_value value = detail::value_of(type);
    value.as.number = static_cast<double>(number);
    return value;
  }
  static T from(const bridge_value &value) {
    if (value.type != type) detail::wrong_type("float");
    return static_cast<T>(value.as.number);
  }
};

template <typename T>
struct ValueOf<T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>>> {
  static constexpr bridge_type type = BRIDGE_TYPE_INTEGER;
  static bridge_value view(T number) {
    if constexpr (std::is_unsigned_v<T> && sizeof(T) == 8) {
      if (number > static_cast<T>(std::numeric_limits<std::int64_t>::max())) {
        throw Error(BRIDGE_OUT_OF_RANGE, "an integer has 63 bits and a sign");
      }
    }
    bridge_value value = detail::value_of(type);
    value.as.integer = static_cast<std::int64_t>(number);
    return value;
  }
  static T from(const bridge_value &value) {
    if (value.type != type) detail::wrong_type("integer");
    const T number = static_cast<T>(value.as.integer);
    if (static_cast<std::int64_t>(number) != value.as.integer || (number < 0) != (value.as.integer < 0)) {
      throw Error(BRIDGE_OUT_OF_RANGE, std::to_string(value.as.integer) + " does not fit");
    }
    return number;
  }
};

template <> struct ValueOf<bool> {
  static constexpr bridge_type type = BRIDGE_TYPE_BOOLEAN;
  static bridge_value view(bool flag) {
    bridge_value value = detail::value_of(type);
    value.as.boolean = flag ? 1 : 0;
    return value;
  }
  static bool from(const bridge_value &value) {
    if (value.type != type) detail::wrong_type("boolean");
    return value.as.boolean != 0;
  }
};

template <> struct ValueOf<std::string_view> {
  static constexpr bridge_type type = BRIDGE_TYPE_STRING;
  static bridge_value view(std::string_view text) { return detail::text_of(type, text); }
  static std::string_view from(const bridge_value &value) {
    if (value.type != type && value.type != BRIDGE_TYPE_CHOICE && value.type != BRIDGE_TYPE_MODULE) {
      detail::wrong_type("text");
    }
    return bridge::view(value.as.text);
  }
};

template <> struct ValueOf<std::string> {
  static constexpr bridge_type type = BRIDGE_TYPE_STRING;
  static bridge_value view(const std::string &text) { return detail::text_of(type, text); }
  static std::string from(const bridge_value &value) {
    return std::string(ValueOf<std::string_view>::from(value));
  }
};

template <> struct ValueOf<const char *> {
  static constexpr bridge_type type = BRIDGE_TYPE_STRING;
  static bridge_value view(const char *text) { return detail::text_of(type, text); }
};

template <> struct ValueOf<Json> {
  static constexpr bridge_type type = BRIDGE_TYPE_ANY;
  static bridge_value view(const Json &json) { return detail::text_of(json.type, json.text); }
  static Json from(const bridge_value &value) {
    if (value.type < BRIDGE_TYPE_OBJECT || value.type == BRIDGE_TYPE_BYTES || value.type > BRIDGE_TYPE_ANY) {
      detail::wrong_type("JSON text");
    }
    return {std::string(bridge::view(value.as.text)), value.type};
  }
};

template <> struct ValueOf<Bytes> {
  static constexpr bridge_type type = BRIDGE_TYPE_BYTES;
  static bridge_value view(const Bytes &bytes) { return detail::text_of(type, bytes.data); }
  static Bytes from(const bridge_value &value) {
    if (value.type != type) detail::wrong_type("bytes");
    return {std::string(bridge::view(value.as.text))};
  }
};

template <> struct ValueOf<Numbers> {
  static constexpr bridge_type type = BRIDGE_TYPE_TENSOR;
  static bridge_value view(const Numbers &numbers) {
    bridge_value value = detail::value_of(type);
    value.as.numbers = numbers.raw();
    return value;
  }
  static Numbers from(const bridge_value &value) {
    if (value.type != type && value.type != BRIDGE_TYPE_EMBEDDING) detail::wrong_type("embedding or tensor");
    return Numbers(value.as.numbers);
  }
};

template <> struct ValueOf<std::vector<double>> {
  static constexpr bridge_type type = BRIDGE_TYPE_EMBEDDING;
  static bridge_value view(const std::vector<double> &numbers) {
    return detail::numbers_of(type, numbers.data(), numbers.size(), nullptr, 1);
  }
  static std::vector<double> from(const bridge_value &value) {
    return ValueOf<Numbers>::from(value).doubles();
  }
};

template <> struct ValueOf<Tensor> {
  static constexpr bridge_type type = BRIDGE_TYPE_TENSOR;
  static bridge_value view(const Tensor &tensor) {
    return detail::numbers_of(type, tensor.numbers.data(), tensor.numbers.size(), tensor.shape.data(),
                              tensor.shape.size());
  }
  static Tensor from(const bridge_value &value) {
    const Numbers numbers = ValueOf<Numbers>::from(value);
    return {numbers.doubles(), numbers.shape()};
  }
};

// --- Variables

// A value with the version of the variable that it was read from.
template <typename T> struct Versioned {
  T value;
  std::int32_t version;
};

// One version of a variable, kept until this goes: views stay valid as long.
class Snapshot {
public:
  Snapshot(const bridge_call *call, bridge_snapshot *snapshot) : snapshot_(snapshot) {
    seen_.size = sizeof seen_;
    const bridge_status status = host().variables->read(snapshot, &seen_);
    if (status == BRIDGE_OK) return;
    host().variables->release(snapshot);
    detail::refuse(call, status);
  }
  Snapshot(Snapshot &&other) noexcept : snapshot_(std::exchange(other.snapshot_, nullptr)), seen_(other.seen_) {}
  Snapshot(const Snapshot &) = delete;
  Snapshot &operator=(const Snapshot &) = delete;
  Snapshot &operator=(Snapshot &&) = delete;
  ~Snapshot() {
    if (snapshot_ != nullptr) host().variables->release(snapshot_);
  }

  std::string_view id() const { return view(seen_.id); }
  std::string_view name() const { return view(seen_.name); }
  std::int32_t version() const { return seen_.version; }
  // Of the session, when the version was written.
  std::int64_t revision() const { return seen_.revision; }
  bridge_type type() const { return seen_.value.type; }
  template <typename T> T get() const { return ValueOf<T>::from(seen_.value); }
  const bridge_variable &raw() const { return seen_; }

private:
  bridge_snapshot *snapshot_;
  bridge_variable seen_{};
};

// A subscription. It ends when this goes, which waits for a callback that runs.
class Watch {
public:
  // Takes one change; views are valid until it returns. What it throws is logged and dropped.
  using Function = std::function<void(const bridge_change &)>;

  Watch(const bridge_call *call, const bridge_variables *variables, const std::vector<std::string> &names,
        bool initial, Function function)
      : state_(std::make_shared<State>(State{call, std::move(function), {}})) {
    state_->self = state_;
    std::vector<bridge_str> views;
    for (const std::string &name : names) views.push_back(str(name));
    bridge_subscription subscription{};
    subscription.size = sizeof subscription;
    subscription.flags = initial ? static_cast<std::uint32_t>(BRIDGE_WATCH_INITIAL) : 0;
    subscription.identifiers = views.data();
    subscription.identifier_count = views.size();
    subscription.on_change = changed;
    subscription.context = state_.get();
    detail::expect(call, host().variables->watch(variables, &subscription, &watch_));
  }
  Watch(Watch &&other) noexcept
      : state_(std::move(other.state_)), watch_(std::exchange(other.watch_, nullptr)) {}
  Watch(const Watch &) = delete;
  Watch &operator=(const Watch &) = delete;
  Watch &operator=(Watch &&) = delete;
  ~Watch() { stop(); }

  // Ends it now.
  void stop() {
    if (watch_ != nullptr) host().variables->unwatch(std::exchange(watch_, nullptr));
  }

private:
  struct State {
    const bridge_call *call;
    Function function;
    std::weak_ptr<State> self;
  };

  static void changed(void *context, const bridge_change *change) {
    // A callback that ends its own watch goes on after it.
    const std::shared_ptr<State> state = static_cast<State *>(context)->self.lock();
    if (!state) return;
    try {
      state->function(*change);
    } catch (const std::exception &error) {
      host().call->log(state->call, BRIDGE_LOG_ERROR, str(error.what()));
    } catch (...) {
      host().call->log(state->call, BRIDGE_LOG_ERROR, str("a watch's function has thrown"));
    }
  }

  std::shared_ptr<State> state_;
  bridge_watch *watch_ = nullptr;
};

// The variables of the caller's session. A tool that takes them const only reads.
class Variables {
public:
  Variables(const bridge_call *call, const bridge_variables *reading, bridge_variables *writing)
      : call_(call), reading_(reading), writing_(writing) {}
  Variables(const Variables &) = delete;
  Variables &operator=(const Variables &) = delete;

  // Throws BRIDGE_NOT_FOUND where there is no such variable.
  Snapshot snapshot(std::string_view name) const {
    bridge_snapshot *snapshot = nullptr;
    detail::expect(call_, host().variables->get(reading_, str(name), 0, &snapshot));
    return Snapshot(call_, snapshot);
  }

  // A copy of a variable's value. Views (std::string_view, Numbers) are for `snapshot`.
  template <typename T> T get(std::string_view name) const { return versioned<T>(name).value; }

  // The value with its version, for `set` to compare.
  template <typename T> Versioned<T> versioned(std::string_view name) const {
    static_assert(!std::is_same_v<T, std::string_view> && !std::is_same_v<T, Numbers>,
                  "a view ends with its snapshot: keep that");
    const Snapshot snapshot = this->snapshot(name);
    return {snapshot.get<T>(), snapshot.version()};
  }

  bool contains(std::string_view name) const {
    try {
      snapshot(name);
      return true;
    } catch (const Error &error) {
      if (error.code() == BRIDGE_NOT_FOUND) return false;
      throw;
    }
  }

  // The names of those that a pattern fits, oldest first; `*` stands for any run of characters.
  std::vector<std::string> names(std::string_view pattern = {}) const {
    std::vector<std::string> names;
    const auto take = [](void *context, const bridge_variable *variable) -> bridge_status {
      try {
        static_cast<std::vector<std::string> *>(context)->emplace_back(view(variable->name));
        return BRIDGE_OK;
      } catch (...) {
        return BRIDGE_RESOURCE_EXHAUSTED;
      }
    };
    detail::expect(call_, host().variables->list(reading_, str(pattern), 0, take, &names));
    return names;
  }

  // Calls a function with each change of these variables, on threads of the host's, until the Watch goes.
  [[nodiscard]] Watch watch(const std::vector<std::string> &names, Watch::Function function,
                            bool initial = false) const {
    return Watch(call_, reading_, names, initial, std::move(function));
  }

  // Writes a variable. With a version: only if it still has that one, else BRIDGE_ABORTED is thrown.
  // Returns the version that was written.
  template <typename T>
  std::int32_t set(std::string_view name, const T &value, std::int32_t expected_version = 0) {
    bridge_write write{};
    write.size = sizeof write;
    write.identifier = str(name);
    write.value = ValueOf<std::decay_t<const T>>::view(value);
    write.expected_version = expected_version;
    std::int32_t version = 0;
    detail::expect(call_, host().variables->set(writing_, &write, &version));
    return version;
  }

  // Changes a variable by a function of its value; begins again when somebody else has written it
  // meanwhile. Returns the new value.
  template <typename T, typename Function> T update(std::string_view name, Function function) {
    for (;;) {
      const Versioned<T> seen = versioned<T>(name);
      const T value = function(seen.value);
      try {
        set<T>(name, value, seen.version);
        return value;
      } catch (const Error &error) {
        if (error.code() != BRIDGE_ABORTED) throw;
      }
      detail::expect(call_, host().call->check(call_));
    }
  }

  // Makes a variable; `constraints` is a JSON object, or empty.
  template <typename T>
  void create(std::string_view name, const T &value, std::string_view constraints = {}) {
    bridge_creation creation{};
    creation.size = sizeof creation;
    creation.name = str(name);
    creation.value = ValueOf<std::decay_t<const T>>::view(value);
    creation.type = creation.value.type;
    creation.constraints = str(constraints);
    detail::expect(call_, host().variables->create(writing_, &creation));
  }

  void remove(std::string_view name) {
    detail::expect(call_, host().variables->remove(writing_, str(name)));
  }

  // For functions of the host's that this class does not have; `writing` is NULL in a read-only tool.
  const bridge_variables *raw() const { return reading_; }
  bridge_variables *writing() { return writing_; }

private:
  const bridge_call *call_;
  const bridge_variables *reading_;
  bridge_variables *writing_;
};

// --- Calls

// Tells a function when the call is to end. It is forgotten when this goes.
class Listener {
public:
  // BRIDGE_CANCELLED or BRIDGE_DEADLINE_EXCEEDED. It must not throw.
  using Function = std::function<void(bridge_status)>;

  Listener(const bridge_call *call, Function function)
      : function_(std::make_unique<Function>(std::move(function))) {
    const auto told = [](void *context, bridge_status reason) {
      (*static_cast<Function *>(context))(reason);
    };
    detail::expect(call, host().call->on_cancel(call, told, function_.get(), &listener_));
  }
  Listener(const Listener &) = delete;
  Listener &operator=(const Listener &) = delete;
  ~Listener() { host().call->forget(listener_); }

private:
  std::unique_ptr<Function> function_;
  bridge_listener *listener_ = nullptr;
};

// What another tool has answered.
class Outcome {
public:
  Outcome(const bridge_call *call, bridge_invocation *invocation) : invocation_(invocation) {
    outcome_.size = sizeof outcome_;
    const bridge_status status = host().tools->outcome(invocation, &outcome_);
    if (status == BRIDGE_OK && outcome_.status == BRIDGE_OK) return;
    const Error error = status != BRIDGE_OK ? Error(status, "the call was to end before the other tool")
                        : outcome_.error != nullptr
                            ? detail::error(*outcome_.error, outcome_.status)
                            : Error(outcome_.status, "the other tool has failed");
    host().tools->drop(invocation);
    (void)call;
    throw error;
  }
  Outcome(const Outcome &) = delete;
  Outcome &operator=(const Outcome &) = delete;
  ~Outcome() { host().tools->drop(invocation_); }

  // Views are valid as long as this.
  template <typename T> T get() const { return ValueOf<T>::from(outcome_.value); }
  const bridge_outcome &raw() const { return outcome_; }

private:
  bridge_invocation *invocation_;
  bridge_outcome outcome_{};
};

// An argument of another tool.
class Argument {
public:
  template <typename T>
  Argument(std::string name, T value)
      : name_(std::move(name)), held_(std::make_shared<T>(std::move(value))) {
    value_ = ValueOf<T>::view(*std::static_pointer_cast<T>(held_));
  }
  bridge_argument raw() const { return {str(name_), value_}; }

private:
  std::string name_;
  std::shared_ptr<void> held_;
  bridge_value value_{};
};

// One call of a tool.
class Call {
public:
  explicit Call(bridge_call *call) : call_(call) {}
  Call(const Call &) = delete;
  Call &operator=(const Call &) = delete;

  // A parameter that is required or has a default.
  template <typename T> T parameter(std::string_view name) const {
    bridge_value value{};
    detail::expect(call_, host().call->parameter(call_, str(name), &value));
    return ValueOf<T>::from(value);
  }

  // A parameter that may be absent.
  template <typename T> std::optional<T> optional(std::string_view name) const {
    bridge_value value{};
    const bridge_status status = host().call->parameter(call_, str(name), &value);
    if (status == BRIDGE_NOT_FOUND) return std::nullopt;
    detail::expect(call_, status);
    if (value.type == BRIDGE_TYPE_NULL) return std::nullopt;
    return ValueOf<T>::from(value);
  }

  std::string_view session_id() const {
    bridge_str id{};
    detail::expect(call_, host().call->session_id(call_, &id));
    return view(id);
  }

  // An entry of the request's metadata.
  std::optional<std::string_view> metadata(std::string_view key) const {
    bridge_str value{};
    const bridge_status status = host().call->metadata(call_, str(key), &value);
    if (status == BRIDGE_NOT_FOUND) return std::nullopt;
    detail::expect(call_, status);
    return view(value);
  }

  // Throws when the call is to end.
  void check() const { detail::expect(call_, host().call->check(call_)); }
  // Sleeps; throws when the call is to end before that.
  void sleep(std::chrono::nanoseconds time) const {
    detail::expect(call_, host().call->sleep(call_, time.count()));
  }
  // Until the deadline; nothing without one.
  std::optional<std::chrono::nanoseconds> remaining() const {
    std::int64_t nanoseconds = 0;
    detail::expect(call_, host().call->remaining(call_, &nanoseconds));
    if (nanoseconds == std::numeric_limits<std::int64_t>::max()) return std::nullopt;
    return std::chrono::nanoseconds(nanoseconds);
  }
  // From 0 to 1; throws when the call is to end.
  void progress(double fraction, std::string_view message = {}) {
    detail::expect(call_, host().call->progress(call_, fraction, str(message)));
  }
  // Streams a chunk, and waits while the client is slower; throws when the call is to end.
  // Returns false where nobody streams from this call.
  template <typename T> bool emit(const T &chunk) {
    const bridge_value value = ValueOf<std::decay_t<const T>>::view(chunk);
    for (;;) {
      const bridge_status status = host().call->emit(call_, &value);
      if (status == BRIDGE_OK) return true;
      if (status == BRIDGE_FAILED_PRECONDITION) return false;
      if (status != BRIDGE_FULL) detail::refuse(call_, status);
      detail::expect(call_, host().call->wait_for_room(call_));
    }
  }
  // Bytes that are answered beside the result, without a copy.
  void binary(std::string data) {
    auto *kept = new std::string(std::move(data));
    const auto release = [](void *context) { delete static_cast<std::string *>(context); };
    detail::expect(call_, host().call->give_binary(call_, kept->data(), kept->size(), release, kept));
  }
  void annotate(std::string_view key, std::string_view value) {
    detail::expect(call_, host().call->annotate(call_, str(key), str(value)));
  }
  void log(bridge_log_level level, std::string_view message) const {
    host().call->log(call_, level, str(message));
  }

  // What this plugin keeps for the caller's session, made at the first call. It goes with the session. A
  // plugin keeps one thing for a session: always ask for the same type.
  template <typename T> T &state() const {
    void *state = nullptr;
    if (host().call->state(call_, &state) == BRIDGE_OK) return *static_cast<T *>(state);
    auto fresh = std::make_unique<T>();
    const auto release = [](void *context) { delete static_cast<T *>(context); };
    void *kept = nullptr;
    const bridge_status status = host().call->keep_state(call_, fresh.get(), release, &kept);
    if (status == BRIDGE_ALREADY_EXISTS) return *static_cast<T *>(kept); // another thread was quicker
    detail::expect(call_, status);
    return *fresh.release();
  }

  // Calls another tool and waits for it; throws what it failed with.
  Outcome call(std::string_view tool, const std::vector<Argument> &arguments = {}) {
    std::vector<bridge_argument> raw;
    for (const Argument &argument : arguments) raw.push_back(argument.raw());
    bridge_request request{};
    request.size = sizeof request;
    request.tool = str(tool);
    request.arguments = raw.data();
    request.argument_count = raw.size();
    bridge_invocation *invocation = nullptr;
    detail::expect(call_, host().tools->invoke(call_, &request, &invocation));
    return Outcome(call_, invocation);
  }

  // Tells a function when the call is to end, on a thread of the host's.
  [[nodiscard]] Listener on_cancel(Listener::Function function) const {
    return Listener(call_, std::move(function));
  }

  // For functions of the host's that this class does not have.
  bridge_call *raw() const { return call_; }

private:
  bridge_call *call_;
};

// --- What a plugin says of itself

// A tool: what runs, what it takes, and what it answers.
class Tool {
public:
  // A tool that reads and writes variables.
  template <typename Result>
  Tool(std::string name, std::string description, Result (*function)(Call &, Variables &))
      : Tool(std::move(name), std::move(description)) {
    body_ = [function](Call &call, Variables &variables) { answer<Result>(call, function, variables); };
    declare_output<Result>();
  }

  // A tool that only reads them.
  template <typename Result>
  Tool(std::string name, std::string description, Result (*function)(Call &, const Variables &))
      : Tool(std::move(name), std::move(description)) {
    body_ = [function](Call &call, Variables &variables) {
      answer<Result>(call, function, std::as_const(variables));
    };
    is_read_only_ = true;
    declare_output<Result>();
  }

  // A parameter that every call gives. `constraints` are a JSON object; of Json, a JSON Schema.
  template <typename T>
  Tool &required(std::string name, std::string description, std::string constraints = {}) {
    return declare<T>(std::move(name), std::move(description), std::move(constraints), true, nullptr);
  }
  // A parameter that a call may leave out.
  template <typename T>
  Tool &optional(std::string name, std::string description, std::string constraints = {}) {
    return declare<T>(std::move(name), std::move(description), std::move(constraints), false, nullptr);
  }
  // A parameter with a default.
  template <typename T>
  Tool &defaulted(std::string name, std::string description, T value, std::string constraints = {}) {
    return declare<T>(std::move(name), std::move(description), std::move(constraints), false,
                      std::make_shared<T>(std::move(value)));
  }

  Tool &title(std::string title) { return set(title_, std::move(title)); }
  // What the result means.
  Tool &answers(std::string description) { return set(output_description_, std::move(description)); }
  Tool &streams() { return flag(BRIDGE_TOOL_STREAMS); }
  Tool &destructive() { return flag(BRIDGE_TOOL_DESTRUCTIVE); }
  Tool &idempotent() { return flag(BRIDGE_TOOL_IDEMPOTENT); }
  Tool &open_world() { return flag(BRIDGE_TOOL_OPEN_WORLD); }
  Tool &atomic() { return flag(BRIDGE_TOOL_ATOMIC); }
  Tool &quick() { return flag(BRIDGE_TOOL_QUICK); }
  // One call at a time of all the plugin's serial tools.
  Tool &serial() {
    threading_ = BRIDGE_SERIAL;
    return *this;
  }
  // At most so many calls at once.
  Tool &concurrency(std::uint32_t calls) {
    concurrency_ = calls;
    return *this;
  }
  // The variables that it uses: names, or patterns with `*`.
  Tool &reads(std::vector<std::string> names) { return set(reads_, std::move(names)); }
  Tool &writes(std::vector<std::string> names) { return set(writes_, std::move(names)); }

  // The C struct. It points into this, which therefore stays where it is.
  const bridge_tool *describe() {
    for (Parameter &parameter : parameters_) {
      bridge_parameter &raw = parameter.raw;
      raw.name = str(parameter.name);
      raw.description = str(parameter.description);
      const bool is_json = raw.type >= BRIDGE_TYPE_OBJECT && raw.type != BRIDGE_TYPE_BYTES;
      (is_json ? raw.schema : raw.constraints) = str(parameter.constraints);
      if (parameter.default_value) {
        parameter.view = parameter.make_view(parameter.default_value.get());
        raw.default_value = &parameter.view;
      }
      raw_parameters_.push_back(&raw);
    }
    for (const std::string &name : reads_) raw_reads_.push_back(str(name));
    for (const std::string &name : writes_) raw_writes_.push_back(str(name));
    output_.size = sizeof output_;
    output_.description = str(output_description_);
    raw_.size = sizeof raw_;
    raw_.flags = flags_;
    raw_.name = str(name_);
    raw_.title = str(title_);
    raw_.description = str(description_);
    raw_.threading = threading_;
    raw_.concurrency = concurrency_;
    raw_.parameters = raw_parameters_.data();
    raw_.parameter_count = raw_parameters_.size();
    raw_.output = &output_;
    raw_.reads = raw_reads_.data();
    raw_.read_count = raw_reads_.size();
    raw_.writes = raw_writes_.data();
    raw_.write_count = raw_writes_.size();
    raw_.context = this;
    if (is_read_only_) {
      raw_.run_read_only = run_read_only;
    } else {
      raw_.run = run;
    }
    return &raw_;
  }

private:
  struct Parameter {
    std::string name;
    std::string description;
    std::string constraints;
    std::shared_ptr<void> default_value;
    bridge_value (*make_view)(const void *);
    bridge_parameter raw;
    bridge_value view;
  };

  Tool(std::string name, std::string description)
      : name_(std::move(name)), description_(std::move(description)) {}

  template <typename Field> Tool &set(Field &field, Field value) {
    field = std::move(value);
    return *this;
  }

  Tool &flag(std::uint32_t flag) {
    flags_ |= flag;
    return *this;
  }

  template <typename T>
  Tool &declare(std::string name, std::string description, std::string constraints, bool is_required,
                std::shared_ptr<void> default_value) {
    Parameter parameter{std::move(name), std::move(description), std::move(constraints),
                        std::move(default_value), nullptr, {}, {}};
    parameter.make_view = [](const void *value) {
      return ValueOf<T>::view(*static_cast<const T *>(value));
    };
    parameter.raw.size = sizeof parameter.raw;
    parameter.raw.type = ValueOf<T>::type;
    parameter.raw.flags = is_required ? static_cast<std::uint32_t>(BRIDGE_PARAMETER_REQUIRED) : 0;
    parameters_.push_back(std::move(parameter));
    return *this;
  }

  template <typename Result> void declare_output() {
    if constexpr (!std::is_void_v<Result>) output_.type = ValueOf<Result>::type;
  }

  template <typename Result, typename Function, typename Vars>
  static void answer(Call &call, Function function, Vars &variables) {
    if constexpr (std::is_void_v<Result>) {
      function(call, variables);
    } else if constexpr (std::is_same_v<Result, Tensor> || std::is_same_v<Result, std::vector<double>>) {
      // Large: given away instead of copied.
      auto *kept = new Result(function(call, variables));
      const bridge_value value = ValueOf<Result>::view(*kept);
      const auto release = [](void *context) { delete static_cast<Result *>(context); };
      detail::expect(call.raw(), host().call->give_result(call.raw(), &value, release, kept));
    } else {
      const Result result = function(call, variables);
      const bridge_value value = ValueOf<Result>::view(result);
      detail::expect(call.raw(), host().call->result(call.raw(), &value));
    }
  }

  static bridge_status run(void *context, bridge_call *call, bridge_variables *variables) {
    return guarded(context, call, variables, variables);
  }

  static bridge_status run_read_only(void *context, bridge_call *call, const bridge_variables *variables) {
    return guarded(context, call, variables, nullptr);
  }

  // Nothing that is thrown leaves.
  static bridge_status guarded(void *context, bridge_call *raw, const bridge_variables *reading,
                               bridge_variables *writing) {
    try {
      Call call(raw);
      Variables variables(raw, reading, writing);
      static_cast<const Tool *>(context)->body_(call, variables);
      return BRIDGE_OK;
    } catch (const Error &error) {
      return fail(raw, error.code() == BRIDGE_OK ? BRIDGE_INTERNAL : error.code(), error.what(), error.type(),
                  error.details(), error.retryable());
    } catch (const std::bad_alloc &) {
      return fail(raw, BRIDGE_RESOURCE_EXHAUSTED, "there is not enough memory", {}, {}, false);
    } catch (const std::exception &error) {
      return fail(raw, BRIDGE_INTERNAL, error.what(), {}, {}, false);
    }
    // What is no std::exception, or ends a thread (pthread_exit), the host catches.
  }

  static bridge_status fail(bridge_call *call, bridge_status code, std::string_view message,
                            std::string_view type, std::string_view details, bool retryable) {
    bridge_error error{};
    error.size = sizeof error;
    error.flags = retryable ? static_cast<std::uint32_t>(BRIDGE_ERROR_RETRYABLE) : 0;
    error.code = code;
    error.message = str(message);
    error.type = str(type);
    error.details = str(details);
    host().call->fail(call, &error);
    return code;
  }

  std::string name_;
  std::string description_;
  std::string title_;
  std::string output_description_;
  std::function<void(Call &, Variables &)> body_;
  std::vector<Parameter> parameters_;
  std::vector<std::string> reads_;
  std::vector<std::string> writes_;
  std::uint32_t flags_ = 0;
  bridge_threading threading_ = BRIDGE_PARALLEL;
  std::uint32_t concurrency_ = 0;
  bool is_read_only_ = false;

  bridge_tool raw_{};
  bridge_output output_{};
  std::vector<const bridge_parameter *> raw_parameters_;
  std::vector<bridge_str> raw_reads_;
  std::vector<bridge_str> raw_writes_;
};

// A plugin: its name and its tools.
class Plugin {
public:
  // `version` has any form.
  Plugin(std::string name, std::string version, std::string description = {})
      : name_(std::move(name)), version_(std::move(version)), description_(std::move(description)) {}

  Plugin &add(Tool tool) {
    tools_.push_back(std::make_unique<Tool>(std::move(tool)));
    return *this;
  }

  // The shared object may be unmapped when it is replaced: for plugins without threads, exit handlers and
  // thread-local objects.
  Plugin &unloadable() {
    flags_ |= BRIDGE_PLUGIN_UNLOADABLE;
    return *this;
  }

  // A JSON Schema of the configuration, an object, and what takes it: JSON text, on the thread that loads
  // the plugin, before any call. What it throws keeps the plugin from being loaded.
  Plugin &configuration(std::string schema, void (*take)(std::string_view)) {
    configuration_schema_ = std::move(schema);
    start_slot() = take;
    return *this;
  }

  // For BRIDGE_PLUGIN.
  static bridge_status enter(const bridge_host *from, const bridge_plugin **answer, Plugin (*make)()) {
    if (from->abi_minimum > BRIDGE_ABI_VERSION || from->abi_maximum < BRIDGE_ABI_VERSION) {
      from->refuse(from, str("the plugin speaks version 1 of the plugin ABI"));
      return BRIDGE_FAILED_PRECONDITION;
    }
    detail::host_slot() = from;
    try {
      // It stays for as long as the plugin is loaded.
      static std::unique_ptr<Plugin> plugin;
      plugin = std::make_unique<Plugin>(make());
      *answer = plugin->describe();
      return BRIDGE_OK;
    } catch (const std::exception &error) {
      from->refuse(from, str(error.what()));
      return BRIDGE_FAILED_PRECONDITION;
    }
  }

private:
  static void (*&start_slot())(std::string_view) {
    static void (*start)(std::string_view) = nullptr;
    return start;
  }

  static bridge_status start(const bridge_host *from, bridge_str configuration) {
    try {
      start_slot()(view(configuration));
      return BRIDGE_OK;
    } catch (const std::exception &error) {
      from->refuse(from, str(error.what()));
      return BRIDGE_FAILED_PRECONDITION;
    }
  }

  const bridge_plugin *describe() {
    for (const std::unique_ptr<Tool> &tool : tools_) raw_tools_.push_back(tool->describe());
    raw_.size = sizeof raw_;
    raw_.abi_version = BRIDGE_ABI_VERSION;
    raw_.flags = flags_;
    raw_.name = str(name_);
    raw_.version = str(version_);
    raw_.description = str(description_);
    raw_.tools = raw_tools_.data();
    raw_.tool_count = raw_tools_.size();
    raw_.configuration_schema = str(configuration_schema_);
    if (start_slot() != nullptr) raw_.init = start;
    return &raw_;
  }

  std::string name_;
  std::string version_;
  std::string description_;
  std::string configuration_schema_;
  std::vector<std::unique_ptr<Tool>> tools_;
  std::uint32_t flags_ = 0;
  bridge_plugin raw_{};
  std::vector<const bridge_tool *> raw_tools_;
};

} // namespace bridge

// Exports a plugin: `make` is a function without parameters that answers a bridge::Plugin. Once a plugin.
#define BRIDGE_PLUGIN(make)                                                                    \
  BRIDGE_EXPORT bridge_status bridge_plugin_entry(const bridge_host *bridge_entry_host,        \
                                                  const bridge_plugin **bridge_entry_plugin) { \
    return ::bridge::Plugin::enter(bridge_entry_host, bridge_entry_plugin, make);              \
  }

#endif
