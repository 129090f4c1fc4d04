internal import CPluginCalls
internal import Glibc
internal import Threads

/// What becomes of the process when a thread that a plugin has made calls `exit` or its like.
///
/// Such a call by a tool, on a thread of the host, ends that tool's call and needs nothing here.
public enum PluginExit {
  /// Told which function was called, and the name of the file that the caller's code is from.
  public typealias Handler = @Sendable (_ function: String, _ file: String) -> Void

  private static let handler = Locked<Handler?>(nil)

  /// Has the process live on, and something else done instead.
  ///
  /// - Parameter body: Called on the plugin's thread, which waits for ever afterwards.
  public static func handle(_ body: @escaping Handler) {
    handler.withLock { $0 = body }
    plugin_when_exiting { function, object in
      guard let function, let object else { return }
      let handler = PluginExit.handler.withLock { $0 }
      handler?(String(cString: function), PluginExit.name(of: String(cString: object)))
    }
  }

  /// Plugins run from private copies: the name of one's file says which it is.
  private static func name(of object: String) -> String {
    guard object.hasPrefix("/proc/self/fd/") else { return object }
    var target = [UInt8](repeating: 0, count: 512)
    let length = readlink(object, &target, target.count)
    return length > 0 ? String(decoding: target[..<length], as: UTF8.self) : object
  }
}
