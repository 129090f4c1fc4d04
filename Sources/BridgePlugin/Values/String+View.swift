internal import BridgePluginABI

extension bridge_str {
  /// A view of bytes, valid as long as they are.
  init(_ bytes: UnsafeRawBufferPointer) {
    self.init(
      data: bytes.baseAddress?.assumingMemoryBound(to: CChar.self), length: bytes.count)
  }

  /// What is viewed.
  var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: data, count: data == nil ? 0 : max(length, 0))
  }
}

extension String {
  /// Copies a view. Bytes that are not UTF-8 become U+FFFD.
  init(_ view: bridge_str) {
    self.init(decoding: view.bytes, as: UTF8.self)
  }

  /// Lends a view of the text.
  func withView<Result>(_ body: (bridge_str) -> Result) -> Result {
    var text = self
    return text.withUTF8 { body(bridge_str(UnsafeRawBufferPointer($0))) }
  }
}
