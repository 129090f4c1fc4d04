internal import BridgePluginABI
internal import BridgeTools

/// The right to memory that a plugin has given away: it goes back when nobody holds this any more, on
/// whatever thread that is.
///
/// Until then the plugin's code counts as in use, so that it is not unmapped before its function is called.
// @unchecked: the function and its context are the plugin's, which promises that they may be used from any
// thread.
final class PluginMemory: @unchecked Sendable {
  private let release: bridge_release?
  private let context: UnsafeMutableRawPointer?
  private let instance: PluginInstance?

  /// - Parameter instance: nil where it is not known whose memory it is: then it goes back at once.
  init(
    of instance: PluginInstance?, _ release: bridge_release?, _ context: UnsafeMutableRawPointer?
  ) {
    self.release = release
    self.context = context
    self.instance = instance
    instance?.enter()
  }

  deinit {
    if let release { PluginCode.release(release, context) }
    instance?.leave()
  }

  /// A part of the memory.
  func blob(_ part: UnsafeRawBufferPointer) -> Blob {
    Blob(donated: part) { withExtendedLifetime(self) {} }
  }
}
