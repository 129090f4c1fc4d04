import BridgeTools
import Glibc
import Testing
import Threads
import TrustedFiles

@testable import BridgePluginChannel

/// Memory that goes back and forth between a host and a plugin's process.
@Suite struct LentMemoryTests {
  /// A host and a process, which send each other chunks.
  private final class Pair {
    let host: Channel
    let process: Channel
    private var outboxes = [Box(), Box()]
    private let buffer = Channel.Buffer()

    private final class Box { var outbox = Outbox() }

    init() throws {
      let (ours, theirs) = try #require(Channel.pair())
      host = ours
      process = Channel(FileDescriptor(owning: theirs), isTrusted: true)
    }

    /// Sends a chunk and receives it.
    func send(_ bytes: [UInt8], toHost: Bool) throws -> ToolValue {
      let (from, to) = toHost ? (process, host) : (host, process)
      let box = outboxes[toHost ? 0 : 1]
      let isTaken = box.outbox.append(
        ChildMessage.chunk(call: 1, .bytes(bytes)).frame, lending: from.memory)
      let sent = box.outbox.send(on: from, waits: true)
      #expect(isTaken && sent == .sent)
      var value: ToolValue?
      // What is told of memory may come first.
      while value == nil {
        _ = try to.receive(into: buffer, waits: true) { reader in
          guard case .chunk(1, let chunk) = try ChildMessage(&reader) else { return }
          value = chunk
        }
      }
      return try #require(value)
    }

    /// Sends what a side has to tell of memory, and nothing else.
    func tell(fromHost: Bool) throws {
      let (from, to) = fromHost ? (host, process) : (process, host)
      let sent = outboxes[fromHost ? 1 : 0].outbox.send(on: from, waits: true)
      #expect(sent == .sent)
      _ = try to.receive(into: buffer, waits: false) { _ in Issue.record("nothing was sent") }
    }

    /// Sends a message about memory as it is.
    func send(_ number: UInt64, size: Int, file: CInt = -1, toHost: Bool = true) throws {
      var header = FrameWriter()
      header.write(Outbox.Kind.lent.rawValue)
      header.write(number)
      for part in [size, size, size] { header.write(UInt64(part)) }
      let from = toHost ? process : host
      let sent = header.bytes.withUnsafeBytes { from.send($0, file: file, waits: true) }
      #expect(sent == .sent)
      _ = try (toHost ? host : process).receive(into: buffer, waits: true) { reader in
        _ = try ChildMessage(&reader)
      }
    }
  }

  private func bytes(_ count: Int, _ seed: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ seed) }
  }

  private func place(_ value: ToolValue) -> UInt {
    guard case .donated(let value) = value else { return 0 }
    return value.memory.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
  }

  @Test(arguments: [false, true]) func memoryIsUsedAgain(toHost: Bool) throws {
    let pair = try Pair()
    let owner = toHost ? pair.process.memory : pair.host.memory
    for number in 0..<20 {
      let sent = bytes(300_000 - number, number)
      #expect(try pair.send(sent, toHost: toHost).owned == .bytes(sent))
      // What comes back goes with what the other side sends next.
      try pair.tell(fromHost: toHost)
    }
    #expect(owner.held.own == 5 << 16)
  }

  /// What is still needed stays as it is.
  @Test(arguments: [false, true]) func memoryThatIsInUseIsLeftAlone(toHost: Bool) throws {
    let pair = try Pair()
    let all = (0..<20).map { bytes(100_000, $0) }
    let values = try all.map { try pair.send($0, toHost: toHost) }
    #expect(values.map(\.owned) == all.map { .bytes($0) })
    let owner = toHost ? pair.process.memory : pair.host.memory
    // The others have memory of their own.
    #expect(owner.held.own == LentMemory.countLimit * (2 << 16))
  }

  @Test func noMoreIsLentThanMayBe() throws {
    let pair = try Pair()
    var values: [ToolValue] = []
    for number in 0..<6 {
      values.append(try pair.send([UInt8](repeating: 1, count: 15 << 20), toHost: true))
      #expect(pair.process.memory.held.own <= LentMemory.limit, "\(number)")
      #expect(pair.process.memory.held.own == pair.host.memory.held.borrowed)
    }
    #expect(pair.host.memory.held.borrowed == 4 * (15 << 20) + 4 * (1 << 20))
    // A larger value takes the place of those that are not needed any more.
    values = []
    try pair.tell(fromHost: true)
    _ = try pair.send([UInt8](repeating: 1, count: 40 << 20), toHost: true)
    #expect(pair.process.memory.held.own <= LentMemory.limit)
    #expect(pair.process.memory.held.own == pair.host.memory.held.borrowed)
  }

  /// A process that writes into what it has lent does not change what its host has looked at.
  @Test func aHostLooksAtACopy() throws {
    let pair = try Pair()
    _ = try pair.send(bytes(100_000, 0), toHost: true)
    // The second one is lent.
    let loan = try #require(pair.process.memory.lend(100_000))
    let frame = ChildMessage.progress(call: 1, 0.5, String(repeating: "x", count: 80_000)).frame
    frame.bytes.withUnsafeBytes { loan.write($0, at: 0) }
    var header = FrameWriter()
    header.write(Outbox.Kind.lent.rawValue)
    header.write(loan.number)
    for part in [90_000, frame.bytes.count, 90_000] { header.write(UInt64(part)) }
    let sent = header.bytes.withUnsafeBytes {
      pair.process.send($0, file: loan.file, waits: true)
    }
    #expect(sent == .sent)
    let buffer = Channel.Buffer()
    _ = try pair.host.receive(into: buffer, waits: true) { reader in
      [UInt8](repeating: 0xff, count: 90_000).withUnsafeBytes { loan.write($0, at: 0) }
      guard case .progress(1, 0.5, let text) = try ChildMessage(&reader) else {
        Issue.record("should be as it was sent")
        return
      }
      #expect(text.utf8.count == 80_000 && text.utf8.allSatisfy { $0 == UInt8(ascii: "x") })
    }
  }

  @Test func nobodyElseWritesToWhatIsLent() throws {
    let memory = LentMemory(copies: false)
    #expect(memory.lend(100_000) == nil)
    let loan = try #require(memory.lend(100_000))
    #expect(write(loan.file, "x", 1) == -1 && errno == EPERM)
    #expect(ftruncate(loan.file, 0) == -1 && errno == EPERM)
    // Nor does its owner take pages out of it, which whoever reads there would have to have again.
    #expect(madvise(loan.memory.baseAddress, 4096, 9 /* MADV_REMOVE */) == -1 && errno == EPERM)
    let mapped = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, loan.file, 0)
    #expect(mapped == MAP_FAILED)
  }

  // MARK: A process that does not keep the rules

  @Test func memoryThatIsNotGivenBackIsNotTakenAgain() throws {
    let pair = try Pair()
    _ = try pair.send(bytes(100_000, 0), toHost: true)
    let value = try pair.send(bytes(100_000, 1), toHost: true)
    #expect(throws: MalformedFrame.self) { try pair.send(1, size: 100) }
    #expect(value.owned == .bytes(bytes(100_000, 1)))
  }

  @Test func memoryThatIsNotGivenBackIsNotDropped() throws {
    let pair = try Pair()
    _ = try pair.send(bytes(100_000, 0), toHost: true)
    let value = try pair.send(bytes(100_000, 1), toHost: true)
    var news = FrameWriter()
    news.write(list: [UInt64]()) { $0.write($1) }
    news.write(list: [UInt64(1)]) { $0.write($1) }
    news.write(false)
    news.bytes.withUnsafeBytes { bytes in
      var reader = FrameReader(bytes)
      #expect(throws: MalformedFrame.self) { try pair.host.memory.readNews(&reader) }
    }
    #expect(value.owned == .bytes(bytes(100_000, 1)))
  }

  /// Memory that can change its size, has holes, is too large, or was never lent.
  @Test func whatIsNotLentMemoryIsRefused() throws {
    let pair = try Pair()
    #expect(throws: MalformedFrame.self) { try pair.send(1, size: 100) }
    let file = ChildSystem.makeSharedMemory()
    defer { close(file) }
    ftruncate(file, 4096)
    #expect(throws: MalformedFrame.self) { try pair.send(1, size: 100, file: file) }
    #expect(pwrite(file, [UInt8](repeating: 1, count: 4096), 4096, 0) == 4096)
    // Sealed, but not as what is lent.
    #expect(ChildSystem.seal(file))
    #expect(throws: MalformedFrame.self) { try pair.send(1, size: 100, file: file) }
    #expect(pair.host.memory.held.borrowed == 0)
  }

  @Test func oneThatLendsTooMuchIsRefused() throws {
    let pair = try Pair()
    let memories = (0..<9).map { _ in LentMemory(copies: false) }
    for (index, memory) in memories.enumerated() {
      _ = memory.lend(1)
      let loan = try #require(memory.lend(100_000))
      let frame = ChildMessage.stopped.frame
      frame.bytes.withUnsafeBytes { loan.write($0, at: 0) }
      let send = {
        try pair.send(UInt64(index + 1), size: frame.bytes.count, file: loan.file)
      }
      if index < LentMemory.countLimit {
        try send()
      } else {
        #expect(throws: MalformedFrame.self, performing: send)
      }
    }
  }

  // MARK: Idleness

  @Test func memoryThatIsNotUsedIsGivenUp() throws {
    let pair = try Pair()
    var wakes = 0
    let counter = Counter()
    pair.host.memory.whenUsed { counter.add() }
    #expect(pair.host.memory.idleMoment == nil)
    for number in 0..<3 {
      _ = try pair.send(bytes(100_000, number), toHost: true)
      _ = try pair.send(bytes(100_000, number), toHost: false)
    }
    #expect(counter.count == 1)
    let moment = try #require(pair.host.memory.idleMoment)
    pair.host.memory.trimIfIdle(at: moment - 1)
    #expect(pair.host.memory.held.own > 0)
    wakes = counter.count
    // The host has its pieces back first.
    try pair.tell(fromHost: false)
    pair.host.memory.trimIfIdle(at: try #require(pair.host.memory.idleMoment))
    #expect(pair.host.memory.held.own == 0 && pair.host.memory.idleMoment == nil)
    try pair.tell(fromHost: true)
    #expect(pair.process.memory.held.own == 0 && pair.process.memory.held.borrowed == 0)
    try pair.tell(fromHost: false)
    #expect(pair.host.memory.held.borrowed == 0)
    // And used again.
    #expect(counter.count == wakes)
    for number in 0..<2 { _ = try pair.send(bytes(100_000, number), toHost: false) }
    #expect(counter.count == wakes + 1 && pair.host.memory.held.own > 0)
  }

  private final class Counter: Sendable {
    private let value = Locked(0)
    var count: Int { value.withLock(\.self) }
    func add() { value.withLock { $0 += 1 } }
  }
}
