/// Answers that are made when there is room to send them.
///
/// A call asks its source when the connection can take more, so a source needs no queue of its own.
/// Used on the event loop only.
public protocol MessageSource: AnyObject {
  /// Appends messages until `buffer` holds `target` bytes or there is no more for now. Having
  /// appended nothing, it is asked again after `ServerCall.wake`.
  ///
  /// It may end the call, with `finish` or `fail`. To send past the buffer, with `send` or `respond`,
  /// is a mistake that ends the program.
  func fill(_ buffer: inout SendBuffer, target: Int)
}
