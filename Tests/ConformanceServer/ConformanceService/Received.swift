import ConformanceSupport
import GRPC
import GRPCProtobuf
import NIOCore
import SwiftProtobuf

/// What arrived in a call, as responses tell it back.
struct Received {
  private let headers: [Wire.Header]
  private let timeout: Int64?
  private var requests: [Google_Protobuf_Any] = []

  /// For the beginning of a call: the timeout is what is left of it now.
  init(_ call: CallContext) {
    headers = call.metadata.headers
    // The deadline was counted from the headers' arrival, a moment ago: rounded up, that is none.
    timeout = call.deadline.map { deadline in
      ((deadline - .now()).nanoseconds + 999_999) / 1_000_000
    }
  }

  mutating func add(_ request: some Message) throws {
    requests.append(try Google_Protobuf_Any(message: request))
  }

  /// Everything, requests included.
  var everything: Wire.RequestInfo {
    .with {
      $0.requestHeaders = headers
      if let timeout { $0.timeoutMs = timeout }
      $0.requests = requests
    }
  }

  /// The last request alone.
  var lastRequest: Wire.RequestInfo {
    .with { $0.requests = requests.suffix(1) }
  }
}

extension Metadata {
  init(_ headers: [Wire.Header]) {
    self.init()
    for header in headers {
      for value in header.value { add(wireValue: value, for: header.name) }
    }
  }

  /// Each key once, in the order they came.
  var headers: [Wire.Header] {
    var headers: [Wire.Header] = []
    for entry in entries where !headers.contains(where: { $0.name == entry.key }) {
      headers.append(
        .with {
          $0.name = entry.key
          $0.value = values(for: entry.key)
        })
    }
    return headers
  }
}

extension RPCError {
  /// - Parameter info: One more detail; nil adds none.
  init(_ error: Wire.Error, adding info: Wire.RequestInfo?) throws {
    let code = StatusCode(rawValue: error.code) ?? .unknown
    var status = Google_Rpc_Status()
    status.code = code.rawValue
    status.message = error.message
    status.details = error.details
    if let info { status.details.append(try Google_Protobuf_Any(message: info)) }
    self.init(
      code, error.message, details: status.details.isEmpty ? [] : try status.rpcBytes())
  }
}
