internal import BridgePluginHost
internal import BridgeTools
internal import Glibc
internal import Threads

/// Traces what plugins ask of a test host, checks the ABI's rules, and makes go wrong what is to.
///
/// Thread-safe.
final class TestInspector: HostInspector {
  let offer: HostOffer
  private let clock: TestClock?
  private let state = Locked(State())

  private struct State {
    var traces: [String: CallTrace] = [:]
    var lastTrace = 0
    var pending: [Int: Pending] = [:]
    var lastUse = 0
    /// The plugin's functions that each thread is inside of.
    var running: [UInt: [Running]] = [:]
    /// What broke a rule outside of any call.
    var violations: [Violation] = []
  }

  private struct Pending {
    let trace: CallTrace?
    let place: Int
    let function: HostFunction
    let isInjected: Bool
  }

  private struct Running {
    let function: PluginFunction
    let call: ToolCall?
    let trace: CallTrace?
    let place: Int
  }

  init(offer: HostOffer, clock: TestClock?) {
    self.offer = offer
    self.clock = clock
  }

  // MARK: Calls

  /// Begins to trace a call.
  ///
  /// - Returns: What its metadata names it by.
  func add(_ trace: CallTrace) -> String {
    state.withLock { state in
      state.lastTrace += 1
      let name = "\(state.lastTrace)"
      state.traces[name] = trace
      return name
    }
  }

  func remove(_ name: String) { state.withLock { $0.traces[name] = nil } }

  /// What broke a rule outside of any call, since this was asked last.
  func takeViolations() -> [Violation] {
    state.withLock { state in
      defer { state.violations = [] }
      return state.violations
    }
  }

  private func trace(of call: ToolCall?) -> CallTrace? {
    guard let name = call?.metadata[CallTrace.key] else { return nil }
    return state.withLock { $0.traces[name] }
  }

  // MARK: Functions of the host

  func begins(_ use: HostUse) -> (number: Int, failure: HostRefusal?) {
    let trace = trace(of: use.call)
    if let violation = violation(of: use) { note(violation, trace) }
    if let call = use.call, let trace { passDeadline(of: call, trace) }
    let (place, effect) = trace?.begins(use) ?? (0, nil)
    var failure: HostRefusal?
    switch effect {
    case .cancel: use.call?.cancel(.cancelled)
    case .deadline: use.call?.cancel(.deadlineExceeded)
    case .fail(let status, let message) where use.function.mayFail:
      failure = HostRefusal(status: status, message: message)
    case .fail, nil: break
    }
    let number = state.withLock { state in
      state.lastUse += 1
      state.pending[state.lastUse] = Pending(
        trace: trace, place: place, function: use.function, isInjected: failure != nil)
      return state.lastUse
    }
    return (number, failure)
  }

  func ends(_ number: Int, _ answer: HostAnswer) {
    guard let pending = state.withLock({ $0.pending.removeValue(forKey: number) }) else { return }
    pending.trace?.ends(
      pending.place, pending.function, answer, isInjected: pending.isInjected)
  }

  /// - Parameter trace: Of the call that it belongs to; nil leaves it to the one that the thread is in.
  private func note(_ violation: Violation, _ trace: CallTrace?) {
    let running = state.withLock { $0.running[UInt(pthread_self())]?.last?.trace }
    if let trace = trace ?? running { return trace.note(violation) }
    state.withLock { $0.violations.append(violation) }
  }

  /// The rule that a use breaks.
  private func violation(of use: HostUse) -> Violation? {
    let name = use.function.rawValue
    if use.isStale {
      return Violation(
        rule: .staleHandle, function: name,
        message: "\(name) was called with a handle that is not valid any more, or never was")
    }
    let running = state.withLock { $0.running[UInt(pthread_self())] ?? [] }
    switch use.function {
    case .retain where !running.contains(where: { $0.function == .tool && $0.call === use.call }):
      return Violation(
        rule: .wrongThread, function: name,
        message: "\(name) is for the thread that runs the tool, while it runs it")
    case .refuse where !running.contains(where: { [.entry, .start].contains($0.function) }):
      return Violation(
        rule: .wrongThread, function: name,
        message: "\(name) is for bridge_plugin_entry and init, and their thread")
    case .outcome where running.contains(where: { $0.function == .onChunk }):
      return Violation(
        rule: .wrongCallback, function: name,
        message: "\(name) waits for all chunks, so it is not to be called inside on_chunk")
    default: return nil
    }
  }

  // MARK: Time

  private func passDeadline(of call: ToolCall, _ trace: CallTrace) {
    guard let clock, let deadline = trace.deadline, clock.now >= deadline else { return }
    call.cancel(.deadlineExceeded)
  }

  func sleep(_ call: ToolCall, nanoseconds: Int64) -> Int32? {
    guard let clock else { return nil }
    let deadline = trace(of: call)?.deadline
    let now = clock.now
    let end = min(now.addingReportingOverflow(max(0, nanoseconds)).partialValue, deadline ?? .max)
    let moment = end < now ? deadline ?? .max : end
    if call.cancellation == nil {
      if clock.movesBySleeping {
        clock.advance(to: moment)
      } else {
        clock.wait(until: moment) { call.cancellation != nil }
      }
    }
    if let trace = trace(of: call) { passDeadline(of: call, trace) }
    return call.cancellation?.rawValue ?? 0
  }

  func remaining(of call: ToolCall) -> Int64? {
    guard let clock else { return nil }
    guard let deadline = trace(of: call)?.deadline else { return .max }
    return max(0, deadline - clock.now)
  }

  // MARK: Code of the plugin

  func enters(_ function: PluginFunction, of call: ToolCall?) {
    let trace = trace(of: call)
    var place = 0
    if let trace, let call { place = trace.enters(function, call) }
    let running = Running(function: function, call: call, trace: trace, place: place)
    state.withLock { $0.running[UInt(pthread_self()), default: []].append(running) }
  }

  func leaves(_ function: PluginFunction, of call: ToolCall?, status: Int32?) {
    let running = state.withLock { state -> Running? in
      let thread = UInt(pthread_self())
      let last = state.running[thread]?.popLast()
      if state.running[thread]?.isEmpty == true { state.running[thread] = nil }
      return last
    }
    guard let running, let trace = running.trace, let call else { return }
    trace.leaves(running.place, function, call, status: status)
  }
}
