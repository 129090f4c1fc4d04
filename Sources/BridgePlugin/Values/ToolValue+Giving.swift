internal import BridgePluginABI

extension ToolValue {
  /// From so many bytes on, handing a value over is cheaper than having it copied.
  private static let largeSize = 16 * 1024

  /// Lends the value to a function of the host, or hands it over where that saves a copy: then with
  /// a function that gives it back, which the host calls whatever it answers.
  func giveABI<Result>(
    _ body: (UnsafePointer<bridge_value>, bridge_release?, UnsafeMutableRawPointer?) -> Result
  ) -> Result {
    // The storage of an array neither moves nor changes while somebody who does not write to it
    // holds it.
    var value = bridge_value()
    value.type = type.rawValue
    switch self {
    case .bytes(let bytes) where bytes.bytes.count >= Self.largeSize:
      value.as.text = bytes.bytes.withUnsafeBytes { bridge_str($0) }
      return body(&value, releaseKept, Kept(bytes).retained())
    case .embedding(let elements) where elements.byteCount >= Self.largeSize:
      value.as.numbers = elements.withABI(shape: nil) { $0 }
      return body(&value, releaseKept, Kept(elements).retained())
    case .tensor(let tensor) where tensor.elements.byteCount >= Self.largeSize:
      let shape = tensor.shape.map(UInt64.init)
      value.as.numbers = tensor.elements.withABI(shape: nil) { $0 }
      value.as.numbers.rank = UInt32(shape.count)
      value.as.numbers.shape = shape.withUnsafeBufferPointer(\.baseAddress)
      let kept = Kept((tensor.elements, shape))
      return body(&value, releaseKept, kept.retained())
    default: return withABI { body($0, nil, nil) }
    }
  }
}

extension Tensor.Elements {
  /// The bytes that the numbers take.
  var byteCount: Int { withUnsafeBytes(\.count) }
}
