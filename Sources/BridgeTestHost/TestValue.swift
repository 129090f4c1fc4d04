internal import BridgeSessions
public import BridgeTools
internal import JSON

/// A value that goes into a call or comes out of one: null, a value of one of the eight types, JSON,
/// or bytes. Literals are values: `["text": "hello", "count": 3]`.
public typealias TestValue = ToolValue

extension ToolValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral,
  ExpressibleByArrayLiteral
{
  /// A string.
  public init(stringLiteral text: String) { self = .value(.string(text), .string) }

  /// An integer.
  public init(integerLiteral number: Int64) { self = .value(.integer(number), .integer) }

  /// A float.
  public init(floatLiteral number: Double) { self = .value(.float(number), .float) }

  /// A boolean.
  public init(booleanLiteral flag: Bool) { self = .value(.boolean(flag), .boolean) }

  /// Nothing.
  public init(nilLiteral: ()) { self = .null }

  /// An embedding.
  public init(arrayLiteral numbers: Double...) { self = .embedding(numbers) }
}

extension ToolValue {
  /// An embedding of 64-bit floats.
  public static func embedding(_ numbers: [Double]) -> ToolValue {
    .value(.array(NumericArray(numbers)), .embedding)
  }

  /// A tensor of 64-bit floats.
  ///
  /// - Parameter shape: Outermost first; its product is the count of the numbers.
  public static func tensor(_ numbers: [Double], shape: [Int]) -> ToolValue {
    .value(.array(NumericArray(numbers, shape: shape)), .tensor)
  }

  /// JSON text, which is read as whatever type is asked for.
  public static func json(_ text: String) -> ToolValue { .json(Array(text.utf8), .any) }

  /// Its JSON text. Bytes are an object with the member "hex".
  public var jsonText: String {
    switch self {
    case .null: "null"
    case .value(let value, let type): String(decoding: value.json(as: type), as: UTF8.self)
    case .json(let text, _): String(decoding: text, as: UTF8.self)
    case .bytes(let bytes): JSON.object([.init(key: "hex", value: .string(Hex.text(bytes)))]).text
    case .donated(let value): value.copy.jsonText
    }
  }

  /// The text of a string, a choice or a module; nil for anything else.
  public var text: String? {
    if case .value(.string(let text), _) = owned { text } else { nil }
  }

  /// A float or an integer as a float; nil for anything else.
  public var number: Double? {
    switch owned {
    case .value(.float(let number), _): number
    case .value(.integer(let number), _): Double(number)
    default: nil
    }
  }

  /// The numbers of an embedding or a tensor; nil for anything else.
  public var numbers: [Double]? {
    if case .value(.array(let array), _) = owned { array.doubles } else { nil }
  }

  /// What tests compare: what was donated counts as what it holds, and JSON by what it says.
  package func isSame(as other: ToolValue) -> Bool {
    if owned == other.owned { return true }
    guard let left = try? JSON(parsing: jsonText), let right = try? JSON(parsing: other.jsonText)
    else { return false }
    return left == right
  }
}

/// Bytes as two digits each.
enum Hex {
  private static let digits = Array("0123456789abcdef".utf8)

  static func text(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// - Returns: nil for what is no such text.
  static func bytes(_ text: String) -> [UInt8]? {
    let utf8 = Array(text.utf8)
    guard utf8.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(utf8.count / 2)
    for index in stride(from: 0, to: utf8.count, by: 2) {
      guard let high = nibble(utf8[index]), let low = nibble(utf8[index + 1]) else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  private static func nibble(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}

/// An argument of a call: JSON is read as the parameter's type.
struct TestArgument: ArgumentSource {
  let name: String
  let given: ToolValue

  private var plain: GivenArgument { GivenArgument(name: name, given: given) }

  func value(as type: ValueType) throws -> Value { try plain.value(as: type) }
  func json() throws -> [UInt8] { try plain.json() }

  func bytes() throws -> [UInt8] {
    // Bytes that came as JSON are written as `jsonText` writes them.
    if case .json(let text, _) = given, let json = try? JSON(parsing: text),
      case .string(let digits)? = json["hex"],
      let bytes = Hex.bytes(digits)
    {
      return bytes
    }
    return try plain.bytes()
  }
}
