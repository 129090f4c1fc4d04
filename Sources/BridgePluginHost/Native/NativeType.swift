internal import BridgeSessions
internal import BridgeTools
internal import CLibffi

/// A C type that a native signature may use.
enum NativeType: Sendable {
  case void
  case scalar(NativeScalar)
  /// A text that ends with a NUL.
  case string
  /// A pointer to bytes, which something else gives the number of.
  case bytes
  /// A pointer to numbers, which something else gives the number of.
  case array(NumericArray.ElementType)
  case structure(NativeStruct)
  case structurePointer(NativeStruct)
  /// A pointer that means something to the library alone.
  case handle(NativeHandleType)
  case callback(NativeCallback)

  /// - Returns: nil for a name that is no type.
  init?(_ name: String, _ declarations: NativeDeclarations) {
    if let scalar = NativeScalar(name) {
      self = .scalar(scalar)
      return
    }
    let words = name.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    switch (words[0], words.count) {
    case ("void", 1): self = .void
    case ("string", 1): self = .string
    case ("bytes", 1): self = .bytes
    case ("struct", 2):
      let isPointer = words[1].hasSuffix("*")
      let structName = isPointer ? String(words[1].dropLast()) : words[1]
      guard let structure = declarations.structs[structName] else { return nil }
      self = isPointer ? .structurePointer(structure) : .structure(structure)
    case ("handle", 2):
      guard let handle = declarations.handles[words[1]] else { return nil }
      self = .handle(handle)
    case ("callback", 2):
      guard let callback = declarations.callbacks[words[1]] else { return nil }
      self = .callback(callback)
    default:
      guard name.hasSuffix("[]"), let element = Self.element(String(name.dropLast(2))) else {
        return nil
      }
      self = .array(element)
    }
  }

  /// What there is, for whoever has written something else.
  static let known =
    "bool, int8 to int64, uint8 to uint64, size_t, float, double, string, bytes, arrays as double[], and \"struct "
    + "NAME\", \"struct NAME*\", \"handle NAME\" and \"callback NAME\" of what the manifest declares"

  /// As manifests write it.
  var words: String {
    switch self {
    case .void: "void"
    case .scalar(let scalar): scalar.name
    case .string: "string"
    case .bytes: "bytes"
    case .array(let element): "\(NativeScalar(element).name)[]"
    case .structure(let structure): "struct \(structure.name) of \(structure.size) bytes"
    case .structurePointer(let structure): "struct \(structure.name)* of \(structure.size) bytes"
    case .handle(let handle): "handle \(handle.name)"
    case .callback: "a callback"
    }
  }

  private static func element(_ name: String) -> NumericArray.ElementType? {
    switch name {
    case "float": .float32
    case "double": .float64
    default: NumericArray.ElementType(rawValue: name)
    }
  }

  /// How it is passed by value.
  var ffi: UnsafeMutablePointer<ffi_type> {
    switch self {
    case .void: bridge_ffi_type_void()
    case .scalar(let scalar): scalar.ffi
    case .structure(let structure): structure.ffi
    case .string, .bytes, .array, .structurePointer, .handle, .callback: bridge_ffi_type_pointer()
    }
  }

  /// The type as a parameter or result of a tool; nil for what is none.
  ///
  /// - Parameter isTensor: Whether an array has several dimensions.
  func toolType(isTensor: Bool = false) -> ToolType? {
    switch self {
    case .void: nil
    case .scalar(let scalar): .value(scalar.toolType)
    case .string, .handle: .value(.string)
    case .bytes: .bytes
    case .array: .value(isTensor ? .tensor : .embedding)
    case .structure, .structurePointer: .object
    case .callback(let callback): callback.isChosen ? .value(.string) : nil
    }
  }

  /// Whether something has to say how much is behind the pointer.
  var needsLength: Bool {
    switch self {
    case .bytes, .array: true
    default: false
    }
  }

  /// Bytes of an element of what the pointer leads to.
  var elementWidth: Int {
    switch self {
    case .array(let element): element.width
    case .scalar(let scalar): scalar.width
    case .structure(let structure), .structurePointer(let structure): structure.size
    case .void, .bytes: 1
    case .string, .handle, .callback: 8
    }
  }
}
