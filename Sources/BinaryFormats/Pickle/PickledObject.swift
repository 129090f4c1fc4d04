/// What a pickle makes on its way to a scalar of numpy, and what is no result by itself.
///
/// `numpy.float32(1.5)` is pickled as calls: `scalar(dtype("f4", False, True), b"…")`, where protocols
/// below 3 write the bytes as `encode("…", "latin1")`. These three functions are known; none is called.
struct PickledObject {
  enum Content {
    case none
    case text(String)
    case bytes([UInt8])
    case function(Function)
    case type(DataType)
  }

  enum Function {
    case scalar, dtype, encode

    init?(module: String, name: String) {
      switch (module, name) {
      case ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar"): self = .scalar
      case ("numpy", "dtype"): self = .dtype
      case ("_codecs", "encode"): self = .encode
      default: return nil
      }
    }
  }

  var content: Content
  /// The opcode that made it, and where that is.
  let opcode: UInt8
  let position: Int
}
