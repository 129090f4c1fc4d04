/// Bytes that somebody gives away: an array, or memory with a function that takes it back.
///
/// Thread-safe: nobody writes to the bytes.
// @unchecked: the memory is this object's from `init` on, and constant.
public final class Blob: @unchecked Sendable {
  private let array: [UInt8]
  private let memory: UnsafeRawBufferPointer?
  private let release: (@Sendable () -> Void)?

  /// Keeps an array.
  public init(_ bytes: [UInt8]) {
    array = bytes
    memory = nil
    release = nil
  }

  /// Takes memory without a copy.
  ///
  /// - Parameter release: Called once, on any thread, when the bytes are not needed any more.
  public init(donated memory: UnsafeRawBufferPointer, release: @escaping @Sendable () -> Void) {
    array = []
    self.memory = memory
    self.release = release
  }

  deinit { release?() }

  /// How many bytes there are.
  public var count: Int { memory?.count ?? array.count }

  /// Runs `body` on the bytes. They are valid only inside it.
  public func withUnsafeBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    if let memory { return try body(memory) }
    return try array.withUnsafeBytes(body)
  }

  /// The bytes as an array; a copy of donated memory.
  public var bytes: [UInt8] { memory.map { Array($0) } ?? array }
}
