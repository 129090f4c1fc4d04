/// Reads nested lists of numbers out of a pickle, protocols 0 to 5.
///
/// A pickle is a program. This is a machine that can make numbers, lists and tuples, and what numpy's
/// scalars are made of (`PickledObject`), and nothing else: any other opcode ends the reading.
///
/// Every item on the stack, in a list or in the memo was put there by an opcode of its own, so
/// memory is proportional to the pickle. Lists may contain each other and themselves; they are
/// walked when all is read, under the limits of `NumberCollector`.
///
/// Source: https://docs.python.org/3/library/pickletools.html
struct PickleReader {
  private enum Item {
    case mark
    case boolean(Bool)
    case integer(Int64)
    case unsigned(UInt64)
    case float(Double)
    /// A list or tuple: its index in `lists`.
    case list(Int)
    /// What is only there to make numbers of: its index in `objects`.
    case object(Int)

    var isMark: Bool {
      if case .mark = self { true } else { false }
    }
  }

  private struct List {
    var items: [Item]
    let isTuple: Bool
    /// Where the opcode that made it is.
    let position: Int
  }

  private var reader: ByteReader
  private var stack: [Item] = []
  private var lists: [List] = []
  private var objects: [PickledObject] = []
  private var memo: [UInt32: Item] = [:]
  /// Where the opcode is that is being carried out.
  private var position = 0

  static func read(
    _ bytes: [UInt8], _ description: ArrayDescription, sizeLimit: Int
  ) throws(BinaryFormatError) -> BinaryArray {
    var machine = PickleReader(reader: ByteReader(bytes, .pickle))
    let root = try machine.run()
    var numbers = NumberCollector(
      .pickle, wanted: description.dataType, sizeLimit: sizeLimit)
    try machine.collect(root, depth: 0, at: 0, into: &numbers)
    return try numbers.finish(description.shape)
  }

  private init(reader: ByteReader) { self.reader = reader }

  /// - Returns: What the pickle leaves on the stack.
  private mutating func run() throws(BinaryFormatError) -> Item {
    while true {
      position = reader.offset
      let code = try reader.byte()
      guard let opcode = PickleOpcode(rawValue: code) else { throw refusal(of: code) }
      if opcode == .stop { break }
      try execute(opcode)
    }
    guard reader.remaining == 0 else {
      throw error("\(reader.remaining) bytes follow the STOP")
    }
    guard stack.count == 1, let root = stack.last else {
      throw error("\(stack.count) items are left on the stack, expected one")
    }
    if case .mark = root { throw error("a mark is left on the stack") }
    return root
  }

  /// - Parameter position: Where the opcode is; nil stands for the present one.
  private func refusal(of code: UInt8, at position: Int? = nil) -> BinaryFormatError {
    let position = position ?? self.position
    if let name = PickleOpcode.dangerous[code] {
      return reader.error(
        "opcode \(name) would import, build or call something; pickles are not executed",
        at: position)
    }
    let name = PickleOpcode.others[code] ?? "\(code), which is unknown,"
    return reader.error(
      "opcode \(name) is refused: only lists, tuples and numbers are read", at: position)
  }

  private mutating func execute(_ opcode: PickleOpcode) throws(BinaryFormatError) {
    switch opcode {
    case .binFloat: push(.float(Double(bitPattern: try reader.bigEndian(UInt64.self))))
    case .binInt: push(.integer(Int64(try reader.littleEndian(Int32.self))))
    case .binInt1: push(.integer(Int64(try reader.byte())))
    case .binInt2: push(.integer(Int64(try reader.littleEndian(UInt16.self))))
    case .long1: push(try long(Int(try reader.byte())))
    case .long4:
      let count = Int(try reader.littleEndian(Int32.self))
      guard count >= 0 else { throw error("an integer of \(count) bytes") }
      push(try long(count))
    case .newTrue: push(.boolean(true))
    case .newFalse: push(.boolean(false))
    case .float, .int, .long: push(try text(opcode))

    case .mark: push(.mark)
    case .emptyList: pushList([], isTuple: false)
    case .emptyTuple: pushList([], isTuple: true)
    case .list: pushList(try popToMark(), isTuple: false)
    case .tuple: pushList(try popToMark(), isTuple: true)
    case .tuple1: pushList(try pop(1), isTuple: true)
    case .tuple2: pushList(try pop(2), isTuple: true)
    case .tuple3: pushList(try pop(3), isTuple: true)
    case .append: try append(try pop(1))
    case .appends: try append(try popToMark())
    case .pop: _ = stack.popLast()
    case .popMark: _ = try popToMark()
    case .dup: push(try top())

    case .put: memo[try index()] = try top()
    case .binPut: memo[UInt32(try reader.byte())] = try top()
    case .longBinPut: memo[try reader.littleEndian(UInt32.self)] = try top()
    case .memoize: memo[UInt32(memo.count)] = try top()
    case .get: try recall(try index())
    case .binGet: try recall(UInt32(try reader.byte()))
    case .longBinGet: try recall(try reader.littleEndian(UInt32.self))

    case .none: push(.none, opcode)
    case .unicode: push(.text(try escapedText()), opcode)
    case .binUnicode: try pushText(Int(try reader.littleEndian(UInt32.self)), opcode)
    case .shortBinUnicode: try pushText(Int(try reader.byte()), opcode)
    case .shortBinBytes:
      push(.bytes(Array(try reader.take(try checked(Int(try reader.byte()), opcode)))), opcode)
    case .global:
      let (module, name) = (try reader.line(), try reader.line())
      try pushFunction(module, name, opcode)
    case .stackGlobal:
      guard stack.count >= 2, case .text(let name)? = content(of: stack.removeLast()),
        case .text(let module)? = content(of: stack.removeLast())
      else { throw refusal(of: opcode.rawValue) }
      try pushFunction(module, name, opcode)
    case .reduce: try call()
    case .build: try build()

    case .proto:
      let version = try reader.byte()
      guard version <= 5 else { throw error("protocol \(version); 0 to 5 are read") }
    case .frame:
      let length = try reader.littleEndian(UInt64.self)
      guard length <= reader.remaining else {
        throw error("a frame of \(length) bytes, but only \(reader.remaining) follow")
      }
    case .stop: break
    }
  }

  // MARK: Stack and memo

  private mutating func push(_ item: Item) { stack.append(item) }

  private mutating func pushList(_ items: [Item], isTuple: Bool) {
    lists.append(List(items: items, isTuple: isTuple, position: position))
    push(.list(lists.count - 1))
  }

  private func top() throws(BinaryFormatError) -> Item {
    guard let item = stack.last else { throw error("the stack is empty") }
    if case .mark = item { throw error("a mark is where an item should be") }
    return item
  }

  private mutating func pop(_ count: Int) throws(BinaryFormatError) -> [Item] {
    // Copied: a slice that lives on would make the removal copy the whole stack.
    let items = Array(stack.suffix(count))
    guard items.count == count, !items.contains(where: \.isMark) else {
      throw error("fewer than \(count) items are on the stack")
    }
    stack.removeLast(count)
    return items
  }

  private mutating func popToMark() throws(BinaryFormatError) -> [Item] {
    guard let mark = stack.lastIndex(where: \.isMark) else {
      throw error("no mark is on the stack")
    }
    let items = Array(stack[(mark + 1)...])
    stack.removeSubrange(mark...)
    return items
  }

  private mutating func append(_ items: [Item]) throws(BinaryFormatError) {
    guard case .list(let index) = try top(), !lists[index].isTuple else {
      throw error("only a list can be appended to")
    }
    lists[index].items.append(contentsOf: items)
  }

  private mutating func recall(_ index: UInt32) throws(BinaryFormatError) {
    guard let item = memo[index] else { throw error("the memo has no item \(index)") }
    push(item)
  }

  // MARK: What numpy's scalars are made of

  /// Bytes that a text or bytes may have: dtypes, names and one number are short.
  private static let shortLength = 64

  private func content(of item: Item) -> PickledObject.Content? {
    if case .object(let index) = item { objects[index].content } else { nil }
  }

  private mutating func push(_ content: PickledObject.Content, _ opcode: PickleOpcode) {
    objects.append(
      PickledObject(content: content, opcode: opcode.rawValue, position: position))
    push(.object(objects.count - 1))
  }

  private func checked(_ count: Int, _ opcode: PickleOpcode) throws(BinaryFormatError) -> Int {
    guard count <= Self.shortLength else { throw refusal(of: opcode.rawValue) }
    return count
  }

  private mutating func pushText(
    _ count: Int, _ opcode: PickleOpcode
  ) throws(BinaryFormatError) {
    let bytes = try reader.take(try checked(count, opcode))
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw refusal(of: opcode.rawValue)
    }
    push(.text(text), opcode)
  }

  /// The text of protocol 0: Latin-1, with `\uXXXX` for the rest and for backslashes.
  private mutating func escapedText() throws(BinaryFormatError) -> String {
    var text = String.UnicodeScalarView()
    var line = try reader.lineBytes(limit: 6 * Self.shortLength)
    while let byte = line.popFirst() {
      guard byte == UInt8(ascii: "\\") else {
        text.append(Unicode.Scalar(byte))
        continue
      }
      guard line.popFirst() == UInt8(ascii: "u"), line.count >= 4,
        let code = UInt16(String(decoding: line.prefix(4), as: UTF8.self), radix: 16),
        let scalar = Unicode.Scalar(code)
      else { throw refusal(of: PickleOpcode.unicode.rawValue) }
      line.removeFirst(4)
      text.append(scalar)
    }
    return String(text)
  }

  private mutating func pushFunction(
    _ module: String, _ name: String, _ opcode: PickleOpcode
  ) throws(BinaryFormatError) {
    guard let function = PickledObject.Function(module: module, name: name) else {
      throw refusal(of: opcode.rawValue)
    }
    push(.function(function), opcode)
  }

  /// REDUCE: calls what is below the tuple of arguments; what that is, is done here.
  private mutating func call() throws(BinaryFormatError) {
    let refusal = refusal(of: PickleOpcode.reduce.rawValue)
    guard stack.count >= 2, case .list(let index) = stack.removeLast(), lists[index].isTuple,
      case .function(let function)? = content(of: stack.removeLast())
    else { throw refusal }
    let arguments = lists[index].items
    switch function {
    case .dtype:
      guard arguments.count == 3, case .text(let name)? = content(of: arguments[0]),
        case .boolean(false) = arguments[1], case .boolean(true) = arguments[2],
        let type = DataType("<" + name)
      else { throw refusal }
      push(.type(type), .reduce)
    case .encode:
      guard arguments.count == 2, case .text(let text)? = content(of: arguments[0]),
        case .text("latin1")? = content(of: arguments[1])
      else { throw refusal }
      let bytes = text.unicodeScalars.compactMap { UInt8(exactly: $0.value) }
      guard bytes.count == text.unicodeScalars.count else { throw refusal }
      push(.bytes(bytes), .reduce)
    case .scalar:
      guard arguments.count == 2, case .type(let type)? = content(of: arguments[0]),
        case .bytes(let bytes)? = content(of: arguments[1]), bytes.count == type.width
      else { throw refusal }
      push(number(type.normalized(bytes), type.element))
    }
  }

  private func number(_ bytes: [UInt8], _ type: ElementType) -> Item {
    bytes.withUnsafeBytes { bytes in
      switch type {
      case .float64: .float(bytes.loadUnaligned(as: Double.self))
      case .float32: .float(Double(bytes.loadUnaligned(as: Float.self)))
      case .int64: .integer(bytes.loadUnaligned(as: Int64.self))
      case .int32: .integer(Int64(bytes.loadUnaligned(as: Int32.self)))
      case .int16: .integer(Int64(bytes.loadUnaligned(as: Int16.self)))
      case .int8: .integer(Int64(bytes.loadUnaligned(as: Int8.self)))
      case .uint64: .unsigned(bytes.loadUnaligned(as: UInt64.self))
      case .uint32: .unsigned(UInt64(bytes.loadUnaligned(as: UInt32.self)))
      case .uint16: .unsigned(UInt64(bytes.loadUnaligned(as: UInt16.self)))
      case .uint8: .unsigned(UInt64(bytes[0]))
      case .bool: .boolean(bytes[0] != 0)
      }
    }
  }

  /// BUILD: tells a dtype, which is below it on the stack, its state: the byte order.
  private mutating func build() throws(BinaryFormatError) {
    guard stack.count >= 2, case .list(let index) = stack.removeLast(), lists[index].isTuple,
      case .object(let object)? = stack.last, case .type(let type) = objects[object].content
    else { throw refusal(of: PickleOpcode.build.rawValue) }
    let state = lists[index].items
    // (version, byte order, subdtype, names, fields, size, alignment, flags)
    guard state.count == 8, case .text(let order)? = content(of: state[1]),
      ["<", ">", "|", "="].contains(order),
      state[2...4].allSatisfy({ if case .none? = content(of: $0) { true } else { false } })
    else { throw refusal(of: PickleOpcode.build.rawValue) }
    objects[object].content = .type(DataType(type.scalar, isBigEndian: order == ">"))
  }

  // MARK: Arguments

  /// An integer of so many bytes, little-endian two's complement.
  private mutating func long(_ count: Int) throws(BinaryFormatError) -> Item {
    let digits = try reader.take(count)
    let isNegative = digits.last.map { $0 >= 0x80 } ?? false
    var bits: UInt64 = isNegative ? .max : 0
    for (index, digit) in digits.prefix(8).enumerated() {
      let shift = UInt64(index * 8)
      bits = bits & ~(0xFF << shift) | UInt64(digit) << shift
    }
    guard digits.dropFirst(8).allSatisfy({ $0 == (isNegative ? 0xFF : 0) }),
      !isNegative || bits >= 1 << 63
    else { throw error("an integer that does not fit 64 bits") }
    return isNegative ? .integer(Int64(bitPattern: bits)) : .unsigned(bits)
  }

  /// The number in the text of protocol 0.
  private mutating func text(_ opcode: PickleOpcode) throws(BinaryFormatError) -> Item {
    var text = try reader.line()
    if opcode == .int, text == "01" || text == "00" { return .boolean(text == "01") }
    if opcode == .long, text.hasSuffix("L") { text.removeLast() }
    if opcode == .float, let number = Double(text) { return .float(number) }
    if opcode != .float, let number = Int64(text) { return .integer(number) }
    if opcode != .float, let number = UInt64(text) { return .unsigned(number) }
    throw error("\"\(text)\" is no number of 64 bits")
  }

  private mutating func index() throws(BinaryFormatError) -> UInt32 {
    let text = try reader.line()
    guard let index = UInt32(text) else { throw error("\"\(text)\" is no index of the memo") }
    return index
  }

  private func error(_ message: String) -> BinaryFormatError {
    reader.error(message, at: position)
  }

  // MARK: The result

  /// - Parameter position: Of the list the item is in.
  private func collect(
    _ item: Item, depth: Int, at position: Int, into numbers: inout NumberCollector
  ) throws(BinaryFormatError) {
    switch item {
    case .mark: throw BinaryFormatError(.pickle, at: position, "a mark inside of a list")
    case .boolean(let value): try numbers.append(value, depth: depth, at: position)
    case .integer(let value): try numbers.append(value, depth: depth, at: position)
    case .unsigned(let value): try numbers.append(value, depth: depth, at: position)
    case .float(let value): try numbers.append(value, depth: depth, at: position)
    case .object(let index):
      throw refusal(of: objects[index].opcode, at: objects[index].position)
    case .list(let index):
      let list = lists[index]
      try numbers.beginList(of: list.items.count, depth: depth, at: list.position)
      for item in list.items {
        try collect(item, depth: depth + 1, at: list.position, into: &numbers)
      }
    }
  }
}
