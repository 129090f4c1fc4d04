internal import CPluginProcess
internal import Glibc
internal import Synchronization
internal import Threads
internal import TrustedFiles

/// The memory that the two sides of a channel lend each other, so that large values need no new one.
///
/// Each side writes into pieces of memory of its own, which it alone can write and the other one has mapped. A
/// message names the piece it is in. Who has got one gives it back when nothing needs the value any more,
/// and until then its owner leaves it alone.
///
/// A plugin's process may write nevertheless, while its host reads. So a host copies what it is lent, once, into
/// memory of its own, and looks at nothing but the copy: what it has checked there stays as it was. It gives
/// the piece back when it lets go of the copy, and takes no other message from that piece before: the copies
/// that a process has its host hold are no more than `limit`, and no more than the process holds itself. What the
/// host lends is read in place: a process that gives back too soon harms itself alone. The seals
/// (`plugin_lent_memory`) keep either side from making a file shorter or holes into it, which would end who
/// reads or writes there.
///
/// Thread-safe. The lock is held for moments and under no other work, so that values may be let go anywhere.
package final class LentMemory: Sendable {
  /// A piece of ours. Its file and its mapping are this object's.
  // @unchecked: who has it lent writes, before it is sent.
  private struct Piece: @unchecked Sendable {
    let number: UInt64
    let file: CInt
    let memory: UnsafeMutableRawBufferPointer
    /// Whether the other side has it.
    var isLent = true
    /// Whether the other side has its file.
    var isKnown = false

    func free() {
      munmap(memory.baseAddress, memory.count)
      Glibc.close(file)
    }
  }

  /// A piece of the other side's.
  private struct Borrowed {
    let memory: SharedMemory
    var isInUse = false
  }

  private struct State {
    var pieces: [Piece] = []
    var lastNumber: UInt64 = 0
    /// Whether there was a large message before.
    var hasSent = false
    /// Whether this kernel cannot do it.
    var isMissing = false
    var borrowed: [UInt64: Borrowed] = [:]
    var lastBorrowed: UInt64 = 0
    /// When memory was used last, of `MonotonicClock`; nil when that is known to be long ago.
    var lastUse: Int64?
    var news = News()
  }

  /// What the other side is to be told.
  private struct News {
    var givenBack: [UInt64] = []
    var dropped: [UInt64] = []
    var isToTrim = false
  }

  private let copies: Bool
  private let state = Locked(State())
  /// Whether there are news.
  private let hasNews = Atomic<Bool>(false)
  private let isClosed = Atomic<Bool>(false)
  private let listener = Locked<(@Sendable () -> Void)?>(nil)

  /// One side lends so much at most: bytes.
  static let limit = 64 << 20
  /// And so many pieces.
  static let countLimit = 8
  /// What is not used for so long is given up: nanoseconds.
  private static let idleTime: Int64 = 5_000_000_000

  /// - Parameter copies: Whether the other side is not trusted to leave alone what it has lent.
  init(copies: Bool) { self.copies = copies }

  deinit { for piece in state.withLock({ $0.pieces }) { piece.free() } }

  // MARK: Lending

  /// A piece that a message is put into.
  // @unchecked: as `Piece`.
  struct Loan: @unchecked Sendable {
    let number: UInt64
    /// Goes with the message where the other side does not have it, else -1. It stays open for as long as the
    /// piece is lent.
    let file: CInt
    let memory: UnsafeMutableRawBufferPointer

    /// Writes a part of the message.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
      UnsafeMutableRawBufferPointer(rebasing: memory[offset...]).copyMemory(from: bytes)
    }
  }

  /// Makes a piece ready for a message. One thread at a time; the messages are sent in this order.
  ///
  /// - Returns: nil where the message takes memory of its own.
  func lend(_ size: Int) -> Loan? {
    guard size <= Self.limit else { return nil }
    let capacity = Self.capacity(size)
    var dropped: [Piece] = []
    let (loan, number) = state.withLock { state -> (Loan?, UInt64?) in
      // A process may have no more than one such message: then this costs more than it saves.
      guard state.hasSent, !state.isMissing else {
        state.hasSent = true
        return (nil, nil)
      }
      let free = state.pieces.indices.filter { !state.pieces[$0].isLent }
      let fitting = free.filter { state.pieces[$0].memory.count >= size }
      if let best = fitting.min(by: {
        state.pieces[$0].memory.count < state.pieces[$1].memory.count
      }) {
        state.pieces[best].isLent = true
        return (Self.loan(&state.pieces[best]), nil)
      }
      while !Self.hasRoom(state, capacity),
        let index = state.pieces.firstIndex(where: { !$0.isLent })
      {
        dropped.append(state.pieces.remove(at: index))
      }
      state.news.dropped += dropped.map(\.number)
      guard Self.hasRoom(state, capacity) else { return (nil, nil) }
      state.lastNumber += 1
      return (nil, state.lastNumber)
    }
    if !dropped.isEmpty { hasNews.store(true, ordering: .releasing) }
    for piece in dropped { piece.free() }
    used()
    return loan ?? number.flatMap { make($0, capacity) }
  }

  /// To no more than an eighth over the size, so that the next message may be somewhat longer.
  private static func capacity(_ size: Int) -> Int {
    let power = 1 << (Int.bitWidth - 1 - size.leadingZeroBitCount)
    let step = max(1 << 16, power / 8)
    return min(limit, (size + step - 1) / step * step)
  }

  private static func hasRoom(_ state: State, _ capacity: Int) -> Bool {
    state.pieces.count < countLimit
      && state.pieces.reduce(capacity, { $0 + $1.memory.count }) <= limit
  }

  private static func loan(_ piece: inout Piece) -> Loan {
    defer { piece.isKnown = true }
    return Loan(
      number: piece.number, file: piece.isKnown ? -1 : piece.file, memory: piece.memory)
  }

  private func make(_ number: UInt64, _ capacity: Int) -> Loan? {
    var place: UnsafeMutableRawPointer?
    let file = plugin_lent_memory(capacity, &place)
    guard file >= 0 else {
      if errno == EINVAL { state.withLock { $0.isMissing = true } }
      return nil
    }
    let memory = UnsafeMutableRawBufferPointer(start: place, count: capacity)
    var piece = Piece(number: number, file: file, memory: memory)
    let loan = Self.loan(&piece)
    state.withLock { [piece] in $0.pieces.append(piece) }
    return loan
  }

  /// Gives up the pieces that nobody has.
  private func trim() {
    let dropped = state.withLock { state in
      let dropped = state.pieces.filter { !$0.isLent }
      state.pieces.removeAll { !$0.isLent }
      state.news.dropped += dropped.map(\.number)
      return dropped
    }
    if !dropped.isEmpty { hasNews.store(true, ordering: .releasing) }
    for piece in dropped { piece.free() }
  }

  // MARK: Borrowing

  /// Takes a message.
  ///
  /// - Parameters:
  ///   - size: Of the message.
  ///   - file: Of the piece, where it comes for the first time.
  func borrow(
    _ number: UInt64, _ size: UInt64, _ file: consuming FileDescriptor?
  ) throws(MalformedFrame) -> SharedMemory {
    if let file { try take(number, file) }
    let piece = state.withLock { state -> SharedMemory? in
      guard let piece = state.borrowed[number], !piece.isInUse, size <= piece.memory.bytes.count
      else { return nil }
      state.borrowed[number]?.isInUse = true
      return piece.memory
    }
    guard let piece else { throw MalformedFrame("there is no memory \(number) of \(size) bytes") }
    used()
    let bytes = UnsafeRawBufferPointer(rebasing: piece.bytes[..<Int(size)])
    guard copies else {
      return SharedMemory(bytes) { _ in
        withExtendedLifetime(piece) {}
        self.giveBack(number)
      }
    }
    guard let copy = CopyMemory.shared.take(bytes.count) else {
      giveBack(number)
      throw MalformedFrame("there is no memory for \(size) bytes")
    }
    copy.memory.copyMemory(from: bytes)
    return SharedMemory(UnsafeRawBufferPointer(rebasing: copy.memory[..<bytes.count])) { _ in
      CopyMemory.shared.giveBack(copy, isKept: !self.isClosed.load(ordering: .acquiring))
      self.giveBack(number)
    }
  }

  private func take(
    _ number: UInt64, _ file: borrowing FileDescriptor
  ) throws(MalformedFrame) {
    // Sealed first: from then on it keeps its size and its pages.
    let isSealed = plugin_is_lent(file.number) == 1
    let status = file.status()
    let size = Int(status.st_size)
    guard isSealed, size > 0, size <= Self.limit, Int(status.st_blocks) >= (size + 511) / 512 else {
      throw MalformedFrame("memory \(number) is not as it is lent")
    }
    let isTaken = state.withLock { state in
      let sum = state.borrowed.values.reduce(size) { $0 + $1.memory.bytes.count }
      guard number > state.lastBorrowed, state.borrowed.count < Self.countLimit, sum <= Self.limit
      else { return false }
      state.lastBorrowed = number
      return true
    }
    guard isTaken else { throw MalformedFrame("memory \(number) is more than may be lent") }
    let memory = SharedMemory(try SharedMemory.map(file, size), letGo: SharedMemory.unmap)
    state.withLock { $0.borrowed[number] = Borrowed(memory: memory) }
  }

  /// Nothing needs the message any more.
  private func giveBack(_ number: UInt64) {
    state.withLock { state in
      state.borrowed[number]?.isInUse = false
      state.news.givenBack.append(number)
    }
    hasNews.store(true, ordering: .releasing)
    used()
  }

  // MARK: News

  /// What a frame of news begins with: no message does.
  static let kind: UInt8 = 0

  /// What the other side is to be told, as a frame; nil where there is nothing.
  func takeNews() -> FrameWriter? {
    guard hasNews.exchange(false, ordering: .acquiring) else { return nil }
    let news = state.withLock { state in
      defer { state.news = News() }
      return state.news
    }
    var writer = FrameWriter()
    writer.write(Self.kind)
    writer.write(list: news.givenBack) { $0.write($1) }
    writer.write(list: news.dropped) { $0.write($1) }
    writer.write(news.isToTrim)
    return writer
  }

  /// Reads what the other side tells, its first byte apart.
  func readNews(_ reader: inout FrameReader) throws {
    let givenBack = try reader.list { try $0.number(UInt64.self) }
    let dropped = try reader.list { try $0.number(UInt64.self) }
    let isToTrim = try reader.flag()
    let gone = try state.withLock { state -> [Borrowed] in
      for index in state.pieces.indices where givenBack.contains(state.pieces[index].number) {
        state.pieces[index].isLent = false
      }
      return try dropped.map { number in
        guard let piece = state.borrowed[number], !piece.isInUse else {
          throw MalformedFrame("memory \(number) was not given back")
        }
        state.borrowed[number] = nil
        return piece
      }
    }
    // What is not needed is unmapped here, not under the lock.
    withExtendedLifetime(gone) {}
    if isToTrim { trim() } else if !givenBack.isEmpty { used() }
  }

  // MARK: Idleness

  /// Hears on any thread that memory is used again, after `idleMoment` was nil.
  package func whenUsed(_ body: @escaping @Sendable () -> Void) { listener.withLock { $0 = body } }

  private func used() {
    let isNews = state.withLock { state in
      defer { state.lastUse = MonotonicClock.now }
      return state.lastUse == nil
    }
    if isNews, let body = listener.withLock(\.self) { body() }
  }

  /// When the memory is to be given up unless it is used until then, of `MonotonicClock`.
  package var idleMoment: Int64? { state.withLock { $0.lastUse.map { $0 + Self.idleTime } } }

  /// Gives up what is not used, on both sides, if it was not used for long. Then there are news to send.
  package func trimIfIdle(at now: Int64) {
    let isIdle = state.withLock { state in
      guard let lastUse = state.lastUse, lastUse + Self.idleTime <= now else { return false }
      state.lastUse = nil
      state.news.isToTrim = true
      return true
    }
    guard isIdle else { return }
    hasNews.store(true, ordering: .releasing)
    trim()
    if copies { CopyMemory.shared.trim() }
  }

  /// The other side is gone: what is left of its values is kept for nobody.
  package func close() {
    isClosed.store(true, ordering: .releasing)
    CopyMemory.shared.trim()
  }

  /// How much memory this side has for lending, and how much it has of the other side's: bytes.
  var held: (own: Int, borrowed: Int) {
    state.withLock { state in
      (
        state.pieces.reduce(0) { $0 + $1.memory.count },
        state.borrowed.values.reduce(0) { $0 + $1.memory.bytes.count }
      )
    }
  }
}

/// Memory for copies of what was lent: to get it new takes longer than to copy.
///
/// Thread-safe; as `LentMemory`.
private final class CopyMemory: Sendable {
  static let shared = CopyMemory()

  // @unchecked: one has it at a time, and writes before others see it.
  struct Piece: @unchecked Sendable {
    let memory: UnsafeMutableRawBufferPointer

    func free() { munmap(memory.baseAddress, memory.count) }
  }

  private let free = Locked<[Piece]>([])

  /// So much waits to be used again at most: bytes.
  private static let limit = 64 << 20

  /// - Returns: Memory of at least `size` bytes; nil where the system has no more.
  func take(_ size: Int) -> Piece? {
    let known = free.withLock { free -> Piece? in
      let fitting = free.indices.filter { free[$0].memory.count >= size }
      // A small value does not keep a large piece.
      guard let best = fitting.min(by: { free[$0].memory.count < free[$1].memory.count }),
        free[best].memory.count <= 2 * Self.capacity(size)
      else { return nil }
      return free.remove(at: best)
    }
    if let known { return known }
    let capacity = Self.capacity(size)
    return plugin_own_memory(capacity).map {
      Piece(memory: UnsafeMutableRawBufferPointer(start: $0, count: capacity))
    }
  }

  private static func capacity(_ size: Int) -> Int {
    let step = size < 1 << 20 ? 1 << 16 : 1 << 21
    return (size + step - 1) / step * step
  }

  /// - Parameter isKept: Whether it may be needed again.
  func giveBack(_ piece: Piece, isKept: Bool) {
    let isTaken = free.withLock { free in
      let sum = free.reduce(piece.memory.count) { $0 + $1.memory.count }
      guard isKept, sum <= Self.limit else { return false }
      free.append(piece)
      return true
    }
    if !isTaken { piece.free() }
  }

  /// Frees what nobody uses.
  func trim() {
    let free = free.withLock { free in
      defer { free = [] }
      return free
    }
    for piece in free { piece.free() }
  }
}
