/// Who is told of what happens. Thread-safe.
protocol TelemetryListener: AnyObject, Sendable {
  /// Whether it wants to be told of anything now.
  var isListening: Bool { get }
  /// Takes a record, on the thread where it happens. It must be quick.
  func take(_ record: TelemetryRecord)
}
