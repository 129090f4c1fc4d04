internal import Synchronization

/// The metadata of calls as it came, see `MetadataFields`: one array for calls in a row that have the
/// same.
///
/// It arrives without regard to any window, compressed to a byte a field, and is kept for as long as
/// a call is open. So a connection has an account of it.
final class CallMetadata: Sendable {
  let fields: [UInt8]
  private let account: Account

  final class Account: Sendable {
    fileprivate let bytes = Atomic<Int>(0)

    /// Bytes that are kept. `[any thread]`
    var byteCount: Int { bytes.load(ordering: .relaxed) }
  }

  /// - Parameter fields: They are copied: the array of a header block has room for the longest.
  init(_ fields: [UInt8], account: Account) {
    self.fields = fields.withUnsafeBufferPointer { Array($0) }
    self.account = account
    account.bytes.add(fields.count, ordering: .relaxed)
  }

  deinit { account.bytes.subtract(fields.count, ordering: .relaxed) }
}
