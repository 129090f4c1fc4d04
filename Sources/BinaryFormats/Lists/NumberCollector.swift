/// Collects the numbers of nested lists and finds out their shape and type.
///
/// The lists that are entered first say the shape; all others must have it. The product of their
/// lengths is checked before their elements are read, so that lists which are named many times
/// are refused before they are walked.
struct NumberCollector {
  private let format: BinaryFormat
  private let wanted: ElementType?
  private let countLimit: Int

  /// The lengths seen so far, outermost first.
  private var shape: [Int] = []
  /// How deep numbers lie; nil until there is one.
  private var leafDepth: Int?
  /// The product of the lengths, those of 0 left out.
  private var product = 1

  /// The numbers' bits: as `kind` says.
  private var words: [UInt64] = []
  private var kind: Kind
  private var hasNegative = false

  /// What all numbers so far are, from the narrowest to the widest.
  private enum Kind {
    case boolean, integer, unsigned, float
  }

  init(_ format: BinaryFormat, wanted: DataType?, sizeLimit: Int) {
    self.format = format
    self.wanted = wanted?.element
    countLimit = sizeLimit / 8
    kind = .boolean
  }

  // MARK: Shape

  /// Enters a list of a length, inside of `depth` others.
  mutating func beginList(
    of count: Int, depth: Int, at position: Int
  ) throws(BinaryFormatError) {
    if depth < shape.count {
      guard shape[depth] == count else {
        throw BinaryFormatError(
          format, at: position,
          "ragged: a list of \(count) where the others of its depth have \(shape[depth])")
      }
      return
    }
    guard leafDepth == nil else {
      throw BinaryFormatError(format, at: position, "ragged: a list where others have a number")
    }
    guard depth < BinaryArray.rankLimit else {
      throw BinaryFormatError(
        format, at: position, "lists are nested deeper than \(BinaryArray.rankLimit)")
    }
    shape.append(count)
    let (product, overflow) = product.multipliedReportingOverflow(by: max(count, 1))
    guard !overflow, product <= countLimit else {
      throw BinaryFormatError(
        .tooLarge, format, at: position,
        "lists of shape \(shape) have more than the \(countLimit) elements that are taken")
    }
    self.product = product
  }

  private mutating func place(
    _ depth: Int, at position: Int
  ) throws(BinaryFormatError) {
    if depth == leafDepth { return }
    guard leafDepth == nil, depth == shape.count else {
      throw BinaryFormatError(format, at: position, "ragged: a number where others have a list")
    }
    leafDepth = depth
  }

  // MARK: Numbers

  mutating func append(_ value: Bool, depth: Int, at position: Int) throws(BinaryFormatError) {
    try place(depth, at: position)
    words.append(kind == .float ? Double(value ? 1 : 0).bitPattern : value ? 1 : 0)
  }

  mutating func append(_ value: Int64, depth: Int, at position: Int) throws(BinaryFormatError) {
    try place(depth, at: position)
    switch kind {
    case .float:
      guard let float = Double(exactly: value) else { throw notFloat("\(value)", at: position) }
      words.append(float.bitPattern)
      return
    case .boolean: kind = .integer
    case .integer: break
    case .unsigned:
      guard value >= 0 else { throw mixed(at: position) }
    }
    if value < 0 { hasNegative = true }
    words.append(UInt64(bitPattern: value))
  }

  mutating func append(_ value: UInt64, depth: Int, at position: Int) throws(BinaryFormatError) {
    if let value = Int64(exactly: value) { return try append(value, depth: depth, at: position) }
    try place(depth, at: position)
    if kind == .float {
      guard let float = Double(exactly: value) else { throw notFloat("\(value)", at: position) }
      words.append(float.bitPattern)
    } else {
      guard !hasNegative else { throw mixed(at: position) }
      kind = .unsigned
      words.append(value)
    }
  }

  mutating func append(_ value: Double, depth: Int, at position: Int) throws(BinaryFormatError) {
    if let wanted, !wanted.isFloatingPoint {
      if let value = Int64(exactly: value) { return try append(value, depth: depth, at: position) }
      guard let value = UInt64(exactly: value) else {
        throw BinaryFormatError(
          .mismatch, format, at: position, "\(value) is no \(wanted.rawValue)")
      }
      return try append(value, depth: depth, at: position)
    }
    try place(depth, at: position)
    if kind != .float {
      if let index = becomeFloats() { throw notFloat(text(index), at: position) }
    }
    words.append(value.bitPattern)
  }

  /// Makes floats of whole numbers.
  ///
  /// - Returns: The first number that no float is; then nothing has changed.
  private mutating func becomeFloats() -> Int? {
    var floats: [UInt64] = []
    floats.reserveCapacity(words.count)
    for (index, word) in words.enumerated() {
      let float =
        kind == .unsigned ? Double(exactly: word) : Double(exactly: Int64(bitPattern: word))
      guard let float else { return index }
      floats.append(float.bitPattern)
    }
    words = floats
    kind = .float
    return nil
  }

  private func notFloat(_ number: String, at position: Int) -> BinaryFormatError {
    BinaryFormatError(
      .mismatch, format, at: position, "\(number) stands beside floats and is no float64")
  }

  /// A number that is no float, for an error.
  private func text(_ index: Int) -> String {
    kind == .unsigned ? "\(words[index])" : "\(Int64(bitPattern: words[index]))"
  }

  private func mixed(at position: Int) -> BinaryFormatError {
    BinaryFormatError(
      .mismatch, format, at: position,
      "negative integers and integers beyond 2^63 have no integer type in common")
  }

  // MARK: The array

  /// - Parameter described: The shape in the description. Where it is given, a flat list will do.
  mutating func finish(_ described: [Int]?) throws(BinaryFormatError) -> BinaryArray {
    let (type, bytes) = try elements()
    return BinaryArray(
      shape: try finalShape(described), elementType: type, bytes: bytes,
      isNested: shape.count > 1)
  }

  private func finalShape(_ described: [Int]?) throws(BinaryFormatError) -> [Int] {
    guard let described else { return shape }
    if shape.count <= 1 {
      guard described.elementCount == words.count else {
        throw BinaryFormatError(
          .mismatch, format,
          "shape \(described) in the metadata does not fit \(words.count) elements")
      }
    } else {
      // Lists do not show what is inside of a dimension of length 0.
      let visible = described.firstIndex(of: 0).map { Array(described[...$0]) } ?? described
      guard visible == shape else {
        throw BinaryFormatError(
          .mismatch, format,
          "shape \(described) in the metadata does not fit lists of shape \(shape)")
      }
    }
    return described
  }

  private mutating func elements() throws(BinaryFormatError) -> (ElementType, [UInt8]) {
    if wanted?.isFloatingPoint == true, kind != .float, becomeFloats() != nil {
      // Whole numbers that no float holds stay whole, as floats that float32 would change stay
      // float64.
      return (kind == .unsigned ? .uint64 : .int64, pack { $0 })
    }
    switch wanted {
    case .float64: return (.float64, pack { $0 })
    case .float32:
      let isExact = words.allSatisfy { word in
        let number = Double(bitPattern: word)
        return Double(Float(number)) == number || number.isNaN
      }
      guard isExact else { return (.float64, pack { $0 }) }
      return (.float32, pack { Float(Double(bitPattern: $0)) })
    case .int64: return (.int64, try integers(Int64.self))
    case .int32: return (.int32, try integers(Int32.self))
    case .int16: return (.int16, try integers(Int16.self))
    case .int8: return (.int8, try integers(Int8.self))
    case .uint64: return (.uint64, try integers(UInt64.self))
    case .uint32: return (.uint32, try integers(UInt32.self))
    case .uint16: return (.uint16, try integers(UInt16.self))
    case .uint8: return (.uint8, try integers(UInt8.self))
    case .bool:
      if let index = words.firstIndex(where: { $0 > 1 }) { throw doesNotFit(index, .bool) }
      return (.bool, pack { UInt8($0) })
    case nil:
      if words.isEmpty { return (.float64, []) }
      return switch kind {
      case .boolean: (.bool, pack { UInt8($0) })
      case .integer: (.int64, pack { $0 })
      case .unsigned: (.uint64, pack { $0 })
      case .float: (.float64, pack { $0 })
      }
    }
  }

  private func integers<T: FixedWidthInteger>(_: T.Type) throws(BinaryFormatError) -> [UInt8] {
    let outside = words.firstIndex { word in
      kind == .unsigned ? T(exactly: word) == nil : T(exactly: Int64(bitPattern: word)) == nil
    }
    if let outside { throw doesNotFit(outside, wanted!) }
    return pack { T(truncatingIfNeeded: $0) }
  }

  private func doesNotFit(_ index: Int, _ type: ElementType) -> BinaryFormatError {
    BinaryFormatError(
      .mismatch, format, "element \(index) is \(text(index)), which is no \(type.rawValue)")
  }

  private func pack<T>(_ convert: (UInt64) -> T) -> [UInt8] {
    let width = MemoryLayout<T>.size
    return [UInt8](unsafeUninitializedCapacity: words.count * width) { bytes, count in
      let bytes = UnsafeMutableRawBufferPointer(bytes)
      for (index, word) in words.enumerated() {
        bytes.storeBytes(of: convert(word), toByteOffset: index * width, as: T.self)
      }
      count = words.count * width
    }
  }
}
