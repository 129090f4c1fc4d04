internal import DequeModule
public import GRPC
internal import GRPCProtobuf
public import Logging
internal import NIOCore
internal import NIOPosix
internal import SwiftProtobuf
internal import Threads

/// Sends spans of calls to a collector of OpenTelemetry (OTLP over gRPC), some at a time.
///
/// They wait in a bounded buffer. While the collector is not there they go on waiting; what there is no room
/// for, and what it refuses, is lost and counted. Thread-safe.
///
/// Source: https://opentelemetry.io/docs/specs/otlp/
public final class SpanExporter: TelemetryListener {
  /// Spans that wait at most, and that go in one request.
  static let bufferLimit = 8192
  static let batchLimit = 512
  /// Between two requests.
  private static let interval: UInt64 = 1_000_000_000
  /// How long one request may take.
  private static let timeout = TimeAmount.seconds(5)
  /// How long the last ones may take, at the end.
  private static let lastTimeout = TimeAmount.seconds(1)

  private static let export = ProtobufMethod<
    Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceRequest,
    Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceResponse
  >("opentelemetry.proto.collector.trace.v1.TraceService", "Export")

  private let telemetry: Telemetry
  private let version: String
  private let logger: Logger
  private let group: MultiThreadedEventLoopGroup
  private let client: GRPCClient
  private let state = Locked(State())

  private struct State {
    var waiting: Deque<Opentelemetry_Proto_Collector_Trace_V1_Span> = []
    var lost = 0
    var isFailing = false
    var task: Task<Void, Never>?
  }

  /// - Parameters:
  ///   - tls: Whether to speak TLS; the system's authorities decide whom to trust.
  ///   - version: Of the host, for the collector.
  /// - Throws: When TLS cannot be set up.
  public init(
    to address: ServerAddress, tls: Bool, of telemetry: Telemetry, version: String, logger: Logger
  ) throws(TransportError) {
    self.telemetry = telemetry
    self.version = version
    self.logger = logger
    group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.next()
    client =
      tls
      ? try GRPCClient(target: address, tls: TLSConfiguration(), eventLoop: loop)
      : GRPCClient(target: address, eventLoop: loop)
  }

  /// Begins to listen and to send.
  public func start() {
    telemetry.trace()
    telemetry.changed(self)
    let task = Task { [weak self] in
      while true {
        try? await Task.sleep(nanoseconds: Self.interval)
        if Task.isCancelled { return }
        await self?.send(Self.timeout)
      }
    }
    state.withLock { $0.task = task }
  }

  /// Sends what waits, for a second at most, and ends the connection. It blocks, and must not be called by a
  /// task.
  public func stop() {
    telemetry.remove(self)
    let task = state.withLock { $0.task }
    task?.cancel()
    let isOver = Semaphore()
    Task {
      // What it was about to send waits again.
      await task?.value
      await send(Self.lastTimeout)
      await client.shutDown(grace: .zero)
      isOver.signal()
    }
    isOver.wait()
    try? group.syncShutdownGracefully()
  }

  var isListening: Bool { true }

  func take(_ record: TelemetryRecord) {
    guard let span = record.span, span.context.isSampled else { return }
    let message = span.message(record)
    state.withLock { state in
      if state.waiting.count < Self.bufferLimit {
        state.waiting.append(message)
      } else {
        state.lost += 1
      }
    }
  }

  // MARK: Sending

  private func send(_ timeout: TimeAmount) async {
    while true {
      let spans = state.withLock { state in
        let spans = Array(state.waiting.prefix(Self.batchLimit))
        state.waiting.removeFirst(spans.count)
        return spans
      }
      if spans.isEmpty { return tellLoss() }
      do throws(RPCError) {
        let answer = try await client.unary(
          Self.export, request(spans), options: CallOptions(timeout: timeout)
        ).message
        note(nil)
        lose(Int(clamping: answer.partialSuccess.rejectedSpans))
      } catch {
        note(error)
        return keep(spans, error)
      }
    }
  }

  private func request(
    _ spans: [Opentelemetry_Proto_Collector_Trace_V1_Span]
  ) -> Opentelemetry_Proto_Collector_Trace_V1_ExportTraceServiceRequest {
    .with { request in
      request.resourceSpans = [
        .with { resource in
          resource.resource = .with {
            $0.attributes = [
              .init(key: "service.name", text: "bridge-host"),
              .init(key: "service.version", text: version),
            ]
          }
          resource.scopeSpans = [
            .with {
              $0.scope = .with { $0.name = "bridge-host" }
              $0.spans = spans
            }
          ]
        }
      ]
    }
  }

  /// What the collector may be sent again waits; of the rest it has said that it does not want it.
  private func keep(
    _ spans: [Opentelemetry_Proto_Collector_Trace_V1_Span], _ error: RPCError
  ) {
    let mayComeAgain: Set<StatusCode> = [
      .cancelled, .deadlineExceeded, .aborted, .outOfRange, .unavailable, .dataLoss,
    ]
    guard mayComeAgain.contains(error.code) else { return lose(spans.count) }
    state.withLock { state in
      let room = Self.bufferLimit - state.waiting.count
      state.waiting.insert(contentsOf: spans.suffix(room), at: 0)
      state.lost += max(0, spans.count - room)
    }
  }

  private func lose(_ count: Int) { state.withLock { $0.lost += count } }

  private func tellLoss() {
    let lost = state.withLock { state in
      defer { state.lost = 0 }
      return state.lost
    }
    guard lost > 0 else { return }
    logger.warning("spans were lost", metadata: ["count": "\(lost)"])
  }

  /// Logs the first failure, and the first success after it.
  private func note(_ error: RPCError?) {
    let isNews = state.withLock { state in
      defer { state.isFailing = error != nil }
      return state.isFailing != (error != nil)
    }
    guard isNews else { return }
    if let error {
      logger.warning("spans cannot be exported", metadata: ["error": "\(error.message)"])
    } else {
      logger.info("spans are exported again")
    }
  }
}
