public import BinaryFormats

/// A value of a variable, in the form it is checked and computed with.
public enum Value: Sendable, Equatable {
  case float(Double)
  case integer(Int64)
  case boolean(Bool)
  /// A string, a choice or a module name.
  case string(String)
  /// An embedding (one dimension) or a tensor.
  case array(NumericArray)

  /// Two values are equal when they are of one kind and the same; NaN equals NaN.
  public static func == (left: Value, right: Value) -> Bool {
    switch (left, right) {
    case (.float(let a), .float(let b)): a == b || a.isNaN && b.isNaN
    case (.integer(let a), .integer(let b)): a == b
    case (.boolean(let a), .boolean(let b)): a == b
    case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
    case (.array(let a), .array(let b)): a == b
    default: false
    }
  }

  /// About how many bytes the value occupies beyond its enum.
  var heapSize: Int {
    switch self {
    case .string(let text): text.utf8.count > 15 ? text.utf8.count + 32 : 0
    case .array(let array): array.bytes.count + 8 * array.shape.count + 96
    default: 0
    }
  }
}

/// What a writer hands over: the value, bytes that travel beside it, and the form it came in.
public struct Payload: Sendable {
  /// The value itself.
  public var value: Value
  /// Bytes a writer attached to a value that is not numeric; kept and answered as they are.
  public var attachment: [UInt8]
  /// How the writer named its type.
  public var form: WireForm
  /// The format of the bytes the value came in; `raw` when it came as JSON.
  public var binaryFormat: BinaryFormat

  /// A value, and how it came.
  public init(
    _ value: Value, attachment: [UInt8] = [], form: WireForm = .inherited,
    binaryFormat: BinaryFormat = .raw
  ) {
    self.value = value
    self.attachment = attachment
    self.form = form
    self.binaryFormat = binaryFormat
  }
}

extension Payload {
  /// The payload as a variable holds it.
  ///
  /// - Throws: `SessionError` with code `invalidValue` for what does not satisfy the constraints;
  ///   `SearchInterruption`.
  func admitted(by constraints: Constraints?, _ searches: inout SearchBudget) throws -> Payload {
    guard let constraints else { return self }
    var payload = self
    payload.value = try constraints.admit(value, &searches)
    return payload
  }
}

/// How the last writer of a value speaks, so that it can be answered the same way.
public struct WireForm: OptionSet, Sendable, Hashable {
  /// The options as bits; they are stored.
  public let rawValue: UInt8

  /// Options from their bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Type URLs of the `type.googleapis.com/snakepit.` family instead of `dspex.variables/`.
  public static let snakepitURL = WireForm(rawValue: 1)
  /// Numeric values as `binary_value`.
  public static let binary = WireForm(rawValue: 2)
  /// The writer names no family of type URLs: tools and packed wrappers do not. The variable's stays,
  /// or that of whoever wrote to the session first. No version has it.
  public static let inherited = WireForm(rawValue: 4)

  /// Takes the family over if the writer named none.
  mutating func settle(from other: WireForm) {
    guard contains(.inherited) else { return }
    remove(.inherited)
    formUnion(other.intersection(.snakepitURL))
  }
}
