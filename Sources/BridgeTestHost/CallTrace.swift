internal import BridgePluginHost
internal import BridgeTools
internal import Glibc
internal import Threads

/// What is seen of one call while it runs, and what is to go wrong in it.
///
/// Thread-safe.
final class CallTrace: Sendable {
  /// Names the call in its metadata, which calls within it inherit.
  static let key = "x-bridge-test-call"

  private let faults: [Fault]
  private let start = MonotonicClock.now
  private let state: Locked<State>

  private struct State {
    var entries: [TraceEntry] = []
    var violations: [Violation] = []
    var threads: [UInt: Int] = [:]
    var hostCalls = 0
    var uses: [HostFunction: Int] = [:]
    /// What was taken and not given back, by who gives it back.
    var open: [HostFunction: Int] = [:]
    /// The code of the last `fail`.
    var failure: Int32?
    var isRetained = false
    /// Of the test's clock.
    var deadline: Int64?
  }

  init(faults: [Fault], deadline: Int64?) {
    self.faults = faults
    state = Locked(State(deadline: deadline))
  }

  /// When the call's deadline is, of the test's clock; nil without one.
  var deadline: Int64? { state.withLock { $0.deadline } }

  var entries: [TraceEntry] { state.withLock { $0.entries } }
  var violations: [Violation] { state.withLock { $0.violations } }

  var leftOver: [String: Int] {
    state.withLock { state in
      state.open.reduce(into: [:]) { if $1.value > 0 { $0[$1.key.rawValue] = $1.value } }
    }
  }

  func note(_ violation: Violation) { state.withLock { $0.violations.append(violation) } }

  // MARK: Functions of the host

  /// - Returns: The entry's place, and what goes wrong now.
  func begins(_ use: HostUse) -> (place: Int, effect: Fault.Effect?) {
    let thread = UInt(pthread_self())
    return state.withLock { state in
      // What tools within the call do is no function that this one calls.
      let isOwn = use.call.map { $0.request.depth == 0 } ?? true
      var effect: Fault.Effect?
      if isOwn {
        state.hostCalls += 1
        state.uses[use.function, default: 0] += 1
        effect = fault(state.hostCalls, use.function, state.uses[use.function]!)
        if use.function == .fail, case .value(.integer(let code), _)? = use.arguments.first?.value {
          state.failure = Int32(truncatingIfNeeded: code)
        }
      }
      state.entries.append(
        TraceEntry(
          function: use.function.rawValue, isCallback: false, tool: use.call?.tool.name ?? "",
          arguments: use.arguments.map { ($0.name, $0.value) }, answers: [], status: nil,
          isInjected: false, thread: number(of: thread, &state),
          begin: MonotonicClock.now - start, duration: nil))
      return (state.entries.count - 1, effect)
    }
  }

  private func fault(_ hostCall: Int, _ function: HostFunction, _ use: Int) -> Fault.Effect? {
    faults.first { fault in
      switch fault.moment {
      case .hostCall(let number): number == hostCall
      case .use(let name, let number):
        name == function.rawValue && (number == 0 || number == use)
      case .start, .after: false
      }
    }?.effect
  }

  func ends(_ place: Int, _ function: HostFunction, _ answer: HostAnswer, isInjected: Bool) {
    state.withLock { state in
      state.entries[place].duration = MonotonicClock.now - start - state.entries[place].begin
      state.entries[place].status = answer.status
      state.entries[place].answers = answer.values.map { ($0.name, $0.value) }
      state.entries[place].isInjected = isInjected
      guard answer.status == 0 else { return }
      switch function {
      case .get: state.open[.release, default: 0] += 1
      case .watch: state.open[.unwatch, default: 0] += 1
      case .onCancel: state.open[.forget, default: 0] += 1
      case .invoke: state.open[.drop, default: 0] += 1
      case .release, .unwatch, .forget, .drop: state.open[function, default: 0] -= 1
      case .retain: state.isRetained = true
      default: break
      }
    }
  }

  // MARK: Code of the plugin

  func enters(_ function: PluginFunction, _ call: ToolCall) -> Int {
    let thread = UInt(pthread_self())
    return state.withLock { state in
      state.entries.append(
        TraceEntry(
          function: function.rawValue, isCallback: true, tool: call.tool.name, arguments: [],
          answers: [], status: nil, isInjected: false, thread: number(of: thread, &state),
          begin: MonotonicClock.now - start, duration: nil))
      return state.entries.count - 1
    }
  }

  func leaves(_ place: Int, _ function: PluginFunction, _ call: ToolCall, status: Int32?) {
    state.withLock { state in
      state.entries[place].duration = MonotonicClock.now - start - state.entries[place].begin
      state.entries[place].status = status
      guard function == .tool, call.request.depth == 0, let status,
        let fault = wrongStatus(status, state)
      else { return }
      state.violations.append(
        Violation(rule: .wrongStatus, function: "run", message: "\(call.tool.name) \(fault)"))
    }
  }

  private func wrongStatus(_ status: Int32, _ state: State) -> String? {
    let name = StatusName.text(status)
    switch status {
    case 101 where !state.isRetained: return "returned PENDING without retaining its call"
    case 101: return nil
    case 0...16:
      if state.isRetained { return "retained its call and returned \(name), not PENDING" }
      guard let failure = state.failure, failure != status else { return nil }
      return "failed with the code \(StatusName.text(failure)) and returned \(name)"
    default: return "returned \(name), which is no status of a tool"
    }
  }

  private func number(of thread: UInt, _ state: inout State) -> Int {
    if let number = state.threads[thread] { return number }
    let number = state.threads.count + 1
    state.threads[thread] = number
    return number
  }
}
