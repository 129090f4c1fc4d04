internal import CNghttp2
internal import DequeModule

/// Inflating requests and compressing answers.
///
/// A few bytes of a client can mean seconds of this. So a connection does a little of it in each
/// turn of its event loop, and leaves the rest to other threads: one message at a time, whichever
/// of its calls they are of, so that its next message queues behind those of other connections.
/// Meanwhile the call goes no further: its input is held, and its window stays shut.
extension ServerConnection {
  /// What a connection may inflate in a turn of its event loop, in bytes: some tens of microseconds.
  static let gzipBudget = 64 * 1024
  /// Compressing takes about so many times longer.
  private static let compressingCost = 4
  /// What the smallest message takes, in bytes that could be inflated.
  private static let leastCost = 256

  /// What the threads do for a call.
  enum GzipWork: Sendable {
    case inflate([UInt8], limit: Int)
    case compress([UInt8])

    func run() -> GzipResult {
      switch self {
      case .compress(let message): return .compressed(Gzip.compress(message))
      case .inflate(let packed, let limit):
        do throws(RPCError) {
          return .inflated(.success(try Gzip.decompress(packed, limit: limit)))
        } catch {
          return .inflated(.failure(error))
        }
      }
    }
  }

  enum GzipResult: Sendable {
    case inflated(Result<[UInt8], RPCError>)
    case compressed([UInt8])
  }

  /// Inflates a request, if that is little work.
  ///
  /// - Returns: nil if it is not: then the call gets the request later, and nothing before that.
  func inflate(_ packed: [UInt8], of call: ServerCall) throws(RPCError) -> [UInt8]? {
    let limit = call.requests.messageLimit
    if packed.count <= gzipBudgetLeft {
      let message = try Gzip.decompress(packed, upTo: min(limit, gzipBudgetLeft))
      gzipBudgetLeft -= max(message?.count ?? gzipBudgetLeft, Self.leastCost)
      if let message { return message }
    }
    call.requests.beginInflating(packed)
    queueForGzip(call)
    return nil
  }

  /// Whether an answer may be compressed now; otherwise it is to be queued.
  func mayCompress(_ count: Int) -> Bool {
    let cost = max(count * Self.compressingCost, Self.leastCost)
    guard cost <= gzipBudgetLeft else { return false }
    gzipBudgetLeft -= cost
    return true
  }

  /// Gives a call its turn, when it comes, with what it has for the threads.
  func queueForGzip(_ call: ServerCall) {
    guard !call.isQueuedForGzip else { return }
    call.isQueuedForGzip = true
    gzipQueue.append(call)
    startGzip()
  }

  private func startGzip() {
    guard !isAwaitingGzip else { return }
    while let call = gzipQueue.popFirst() {
      call.isQueuedForGzip = false
      guard let work = call.gzipWork else { continue }
      isAwaitingGzip = true
      gzipWorkers.run {
        let result = work.run()
        call.eventLoop.execute { call.connection.gzipDone(result, for: call) }
      }
      return
    }
  }

  private func gzipDone(_ result: GzipResult, for call: ServerCall) {
    isAwaitingGzip = false
    guard session != nil else { return }
    gzipBudgetLeft = Self.gzipBudget
    switch result {
    case .compressed(let packed): call.compressed(packed)
    case .inflated(let request): inflated(request, of: call)
    }
    if call.gzipWork != nil { queueForGzip(call) }
    startGzip()
    endCallsOverLimit()
    setNeedsFlush()
  }
}
