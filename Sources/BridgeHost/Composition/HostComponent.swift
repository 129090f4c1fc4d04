/// A part of a running host: it starts, drains and stops with the others of a `ComponentStack`.
///
/// The three are called on the main thread, each at most once, `stop` only after a start that
/// succeeded.
protocol HostComponent: AnyObject {
  /// What logs call it.
  var name: String { get }
  /// Begins to work, with what it was made of. What it throws ends the start of the host.
  func start() throws
  /// Takes on nothing new and tells those who wait that the end is near. It must not block.
  func drain()
  /// Ends what is left and gives back what it holds. It may block for as long as its work takes.
  func stop()
}

extension HostComponent {
  func drain() {}
  func stop() {}
}
