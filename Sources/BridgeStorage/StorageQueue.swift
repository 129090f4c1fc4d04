internal import BridgeSessions

/// What has been recorded and is not stored yet.
struct StorageQueue {
  enum Record {
    case began(SessionImage, key: Int64)
    /// All changes of one revision.
    case committed([Change], key: Int64)
    case dependency(DependencyImage, key: Int64)
    case ended(key: Int64)
  }

  struct Waiter {
    /// Everything up to this record must be stored.
    let number: Int64
    let body: @Sendable (SessionError?) -> Void
  }

  private(set) var records: [Record] = []
  /// About how many bytes the records keep alive.
  private(set) var byteCount = 0
  /// The number of the newest record, from 1.
  private(set) var lastNumber: Int64 = 0
  private var waiters: [Waiter] = []

  mutating func append(_ record: Record) {
    records.append(record)
    lastNumber += 1
    byteCount += record.size
  }

  mutating func wait(_ body: @escaping @Sendable (SessionError?) -> Void) {
    waiters.append(Waiter(number: lastNumber, body: body))
  }

  mutating func takeRecords() -> (records: [Record], lastNumber: Int64) {
    defer {
      records = []
      byteCount = 0
    }
    return (records, lastNumber)
  }

  /// Takes the waiters for what is stored up to a record.
  mutating func takeWaiters(upTo number: Int64) -> [Waiter] {
    let ready = waiters.prefix { $0.number <= number }
    waiters.removeFirst(ready.count)
    return Array(ready)
  }
}

extension StorageQueue.Record {
  fileprivate var size: Int {
    switch self {
    case .began(let image, _): 512 + image.variables.count * 512
    case .committed(let changes, _): changes.reduce(64) { $0 + $1.baseByteCount }
    case .dependency, .ended: 256
    }
  }
}
