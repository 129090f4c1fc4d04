public import BinaryFormatsFuzzing
public import BridgeSessions
internal import BinaryFormats

extension RandomBits {
  public mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }

  public mutating func chance(_ oneIn: Int) -> Bool { below(oneIn) == 0 }

  public mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &self) }
  }

  /// A text of any characters: plain, quoted, control, and beyond the basic plane.
  public mutating func text(upTo longest: Int = 12) -> String {
    let scalars = (0..<below(longest + 1)).compactMap { _ -> Unicode.Scalar? in
      switch below(4) {
      case 0: Unicode.Scalar(UInt8.random(in: 0..<0x80, using: &self))
      case 1: "\"\\/\n\u{0}%,=\u{7F}\u{2028}".unicodeScalars.randomElement(using: &self)
      case 2: Unicode.Scalar(UInt32.random(in: 0x80..<0x3000, using: &self))
      default: Unicode.Scalar(UInt32.random(in: 0x1_0000...0x10_FFFF, using: &self))
      }
    }
    return String(String.UnicodeScalarView(scalars))
  }

  public mutating func metadata() -> VariableMetadata {
    var metadata: VariableMetadata = [:]
    for _ in 0..<below(4) { metadata[text()] = text() }
    return metadata
  }

  /// Any number, and more often one at the bounds of its type.
  public mutating func integer() -> Int64 {
    switch below(4) {
    case 0: [0, 1, -1, .max, .min, .max - 1, 1 << 53, (1 << 53) + 1].randomElement(using: &self)!
    case 1: Int64.random(in: -100...100, using: &self)
    default: Int64.random(in: .min ... .max, using: &self)
    }
  }

  public mutating func number() -> Double {
    switch below(4) {
    case 0:
      [0, -0.0, .nan, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude]
        .randomElement(using: &self)!
    case 1: Double(Int.random(in: -9...9, using: &self)) / 4
    default: Double(bitPattern: next())
    }
  }
}

extension NumericArray {
  public static func random(rank: Int? = nil, using random: inout RandomBits) -> NumericArray {
    while true {
      let array = BinaryArray.random(using: &random)
      if let rank, array.shape.count != rank { continue }
      return NumericArray(
        shape: array.shape, elementType: array.elementType, bytes: array.bytes,
        // As the reader of JSON has it: a nesting shows in two dimensions that are not empty.
        isNested: array.isNested && array.shape.count > 1 && array.count > 0)
    }
  }
}

extension Value {
  public static func random(_ type: ValueType, using random: inout RandomBits) -> Value {
    switch type {
    case .float: .float(random.number())
    case .integer: .integer(random.integer())
    case .boolean: .boolean(random.chance(2))
    case .string, .choice, .module: .string(random.text(upTo: 40))
    case .embedding: .array(.random(rank: 1, using: &random))
    case .tensor: .array(.random(using: &random))
    }
  }
}

extension Payload {
  /// - Parameter type: Of the variable: bytes are attached to values that are not numeric only.
  public static func random(_ type: ValueType, using random: inout RandomBits) -> Payload {
    let isNumeric = type == .embedding || type == .tensor
    return Payload(
      .random(type, using: &random),
      attachment: isNumeric || random.chance(2) ? [] : random.bytes(random.below(40)),
      form: WireForm(rawValue: UInt8(random.below(4))),
      binaryFormat: isNumeric ? BinaryFormat.allCases.randomElement(using: &random)! : .raw)
  }
}
