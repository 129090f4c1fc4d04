/// Holds a value for the host, until it calls `releaseKept` with `retained()`.
final class Kept<Value: Sendable>: Sendable {
  private let value: Value

  init(_ value: Value) { self.value = value }

  /// A reference that the host gives back.
  func retained() -> UnsafeMutableRawPointer { Unmanaged.passRetained(self).toOpaque() }
}

/// Takes a reference back.
func releaseKept(_ context: UnsafeMutableRawPointer?) {
  if let context { Unmanaged<AnyObject>.fromOpaque(context).release() }
}
