internal import BridgeSessions
internal import BridgeTools
internal import Synchronization
internal import Threads

/// A kind of pointer that means something to its library alone, as a database or a decoder.
final class NativeHandleType: Sendable {
  let name: String
  /// The function that frees one.
  let destroy: String

  init(_ name: String, destroy: String) {
    self.name = name
    self.destroy = destroy
  }
}

/// The handles that calls of a library have made, which later calls of the same session use.
///
/// A session's handles are freed with it, and all of them with the library. Calls that use the same handle
/// wait for each other. Thread-safe.
// @unchecked: `state` is reached under the lock of `condition` only.
final class NativeHandles: @unchecked Sendable {
  /// A handle that a call uses.
  struct Held {
    let id: String
    let pointer: UInt
  }

  private struct Entry {
    let type: NativeHandleType
    let pointer: UInt
    var isUsed = false
    /// It is freed once the call that uses it is over.
    var isOver = false
  }

  private let condition = Condition()
  private var sessions: [String: [String: Entry]] = [:]
  private var last: UInt64 = 0
  private var isClosed = false
  private let free: @Sendable (NativeHandleType, UInt) -> Void

  /// What one session may have of one library.
  static let limit = 10_000

  /// - Parameter free: Frees one; called on any thread.
  init(free: @escaping @Sendable (NativeHandleType, UInt) -> Void) { self.free = free }

  /// Keeps a handle for a session.
  ///
  /// - Returns: What names it.
  /// - Throws: `ToolFailure` where the session has too many; the handle is freed.
  func keep(_ pointer: UInt, _ type: NativeHandleType, for call: ToolCall) throws(ToolFailure)
    -> String
  {
    let epoch = call.services.sessionEpoch
    enum Answer {
      case kept(String, isFirst: Bool)
      case full
    }
    let answer = condition.withLock { () -> Answer in
      let isFirst = sessions[epoch] == nil
      guard !isClosed, sessions[epoch, default: [:]].count < Self.limit else { return .full }
      last += 1
      let id = "\(type.name)-\(last)"
      sessions[epoch, default: [:]][id] = Entry(type: type, pointer: pointer)
      return .kept(id, isFirst: isFirst)
    }
    switch answer {
    case .full:
      free(type, pointer)
      throw ToolFailure(
        code: 8,
        message: "the session has \(Self.limit) handles of this library, and can have no more",
        type: "limit")
    case .kept(let id, let isFirst):
      if isFirst { call.services.whenSessionEnds { [weak self] in self?.removeAll(of: epoch) } }
      return id
    }
  }

  /// Takes handles for a call, in an order that all calls keep; waits for those that others use.
  ///
  /// - Parameter wanted: Each id with its type; an id may be there twice.
  /// - Throws: `ToolFailure` where the session has none of that name and type.
  func take(
    _ wanted: [(id: String, type: NativeHandleType)], for call: ToolCall
  ) throws(ToolFailure) -> [Held] {
    let epoch = call.services.sessionEpoch
    var held: [Held] = []
    do throws(ToolFailure) {
      for (id, type) in wanted.sorted(by: { $0.id < $1.id }) where held.last?.id != id {
        held.append(Held(id: id, pointer: try takeOne(id, type, epoch)))
      }
    } catch {
      giveBack(held, for: call)
      throw error
    }
    return held
  }

  private func takeOne(
    _ id: String, _ type: NativeHandleType, _ epoch: String
  ) throws(ToolFailure) -> UInt {
    let pointer = condition.withLock { () -> UInt? in
      while let entry = sessions[epoch]?[id], entry.type === type, !entry.isOver {
        if !entry.isUsed {
          sessions[epoch]![id]!.isUsed = true
          return entry.pointer
        }
        condition.wait()
      }
      return nil
    }
    guard let pointer else {
      throw ToolFailure(
        code: 5, message: "the session has no handle \"\(id)\" of type \(type.name)",
        type: "not_found")
    }
    return pointer
  }

  /// A call is done with its handles.
  func giveBack(_ held: [Held], for call: ToolCall) {
    let epoch = call.services.sessionEpoch
    let over = condition.withLock { () -> [Entry] in
      var over: [Entry] = []
      for handle in held {
        sessions[epoch]?[handle.id]?.isUsed = false
        if let entry = sessions[epoch]?[handle.id], entry.isOver {
          over.append(entry)
          forget(handle.id, epoch)
        }
      }
      condition.broadcast()
      return over
    }
    for entry in over { free(entry.type, entry.pointer) }
  }

  /// The library has freed a handle that a call has taken.
  func remove(_ held: Held, for call: ToolCall) {
    condition.withLock {
      forget(held.id, call.services.sessionEpoch)
      condition.broadcast()
    }
  }

  private func forget(_ id: String, _ epoch: String) {
    sessions[epoch]?[id] = nil
    if sessions[epoch]?.isEmpty == true { sessions[epoch] = nil }
  }

  private func removeAll(of epoch: String) {
    let free = condition.withLock { takeOutUnused(epoch) }
    for entry in free { self.free(entry.type, entry.pointer) }
  }

  /// Frees all; no further one is taken.
  func close() {
    let free = condition.withLock {
      isClosed = true
      return sessions.keys.flatMap { takeOutUnused($0) }
    }
    for entry in free { self.free(entry.type, entry.pointer) }
  }

  private func takeOutUnused(_ epoch: String) -> [Entry] {
    guard let entries = sessions[epoch] else { return [] }
    var left: [String: Entry] = [:]
    for (id, entry) in entries where entry.isUsed {
      left[id] = entry
      left[id]!.isOver = true
    }
    sessions[epoch] = left.isEmpty ? nil : left
    condition.broadcast()
    return entries.values.filter { !$0.isUsed }
  }

  /// How many there are, for tests.
  var count: Int { condition.withLock { sessions.values.reduce(0) { $0 + $1.count } } }
}
