/// Whatever brings tools as one unit: a plugin's shared object, a manifest, a child process, a client,
/// another host.
public protocol ToolProvider: AnyObject, Sendable {
  /// What the unit is found by when it is replaced or removed: a file's path, a client's id.
  var id: String { get }
  /// The name that tools and messages carry.
  var name: String { get }
  /// The version it says it has; empty where it says none.
  var version: String { get }
  /// What it says that it is for; empty where it says nothing.
  var summary: String { get }
  /// The tools it brings; they stay the same for as long as it is registered.
  var tools: [any Tool] { get }

  /// Called once, on any thread, when none of its calls runs and none will.
  func retire()
}

extension ToolProvider {
  /// Nothing.
  public var summary: String { "" }
}
