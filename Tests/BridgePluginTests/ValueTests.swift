import BridgePluginABI
import Testing

@testable import BridgePlugin

/// Values, as tools write them and as they cross the ABI.
@Suite struct ValueTests {
  private enum Mode: String, CaseIterable, ToolValueConvertible { case fast, exact }

  /// One of each element type, with the numbers at the ends of it.
  private static let elements: [Tensor.Elements] = [
    .float64([1.5, -0.25, .greatestFiniteMagnitude]), .float32([1.5, -0.25]),
    .int64([.min, .max, 0]), .int32([.min, .max]), .int16([.min, .max]), .int8([.min, .max]),
    .uint64([.max, 0]), .uint32([.max]), .uint16([.max]), .uint8([.max]), .bool([true, false]),
    .float64([]),
  ]

  private static let values: [ToolValue] =
    [
      .null, .float(1.5), .integer(.min), .string("hällo"), .string(""), .boolean(true),
      .boolean(false), .choice("a"), .module("m"), .json(JSONText("{}", kind: .object)),
      .json(JSONText("[]", kind: .array)), .json(JSONText("1")), .bytes(Bytes([0, 255])),
      .bytes(Bytes([])), .tensor(Tensor(shape: [], [7])!), .tensor(Tensor(shape: [0, 4], [])!),
      .tensor(Tensor(shape: [2, 3], elements: .int8([1, 2, 3, 4, 5, 6]))!),
    ] + elements.map(ToolValue.embedding) + elements.map { .tensor(Tensor(elements: $0)) }

  @Test(arguments: values) func aValueIsTheSameOnTheOtherSide(_ value: ToolValue) {
    #expect(value.withABI { ToolValue($0) } == value)
    var arena = Arena()
    defer { arena.free() }
    var copy = arena.value(value)
    #expect(ToolValue(&copy) == value)
    #expect(copy.type == value.type.rawValue)
    value.giveABI { lent, release, context in
      #expect(release == nil && context == nil)
      #expect(ToolValue(lent) == value)
    }
  }

  /// From 16 KiB on the host gets the storage itself, and gives it back.
  @Test(arguments: [(16 * 1024 - 8, false), (16 * 1024, true), (64 * 1024, true)])
  func largeValuesAreHandedOver(_ size: Int, _ isGiven: Bool) {
    let numbers = (0..<size / 8).map(Double.init)
    for value: ToolValue in [
      .bytes(Bytes((0..<size).map { UInt8($0 & 255) })), .embedding(.float64(numbers)),
      .tensor(Tensor(shape: [1, size / 8], numbers)!),
    ] {
      value.giveABI { lent, release, context in
        #expect(ToolValue(lent) == value)
        #expect((release != nil) == isGiven, "\(value.type)")
        #expect((context != nil) == isGiven)
        release?(context)
      }
    }
  }

  @Test func aViewThatContradictsItselfIsNoValue() {
    func read(_ change: (inout bridge_numbers) -> Void) -> ToolValue? {
      Tensor.Elements.float64([1, 2]).withABI(shape: nil) { numbers in
        var value = bridge_value()
        value.type = ValueType.tensor.rawValue
        value.as.numbers = numbers
        change(&value.as.numbers)
        return ToolValue(&value)
      }
    }
    #expect(read { _ in } == .tensor(Tensor(shape: [2], [1, 2])!))
    #expect(read { $0.element = 12 } == nil)
    #expect(read { $0.count = -1 } == nil)
    #expect(read { $0.data = nil } == nil)
    #expect(read { $0.rank = 2 } == nil)
    #expect(read { $0.rank = 0 } == nil)
    #expect(
      read {
        $0.data = nil
        $0.count = 0
      } == .tensor(Tensor(elements: .float64([]))))
    for lengths: [UInt64] in [[3], [1], [.max], [2, 0]] {
      let value = lengths.withUnsafeBufferPointer { lengths in
        read {
          $0.rank = UInt32(lengths.count)
          $0.shape = lengths.baseAddress
        }
      }
      #expect(value == nil, "\(lengths)")
    }
    var unknown = bridge_value()
    unknown.type = 99
    #expect(ToolValue(&unknown) == nil)
  }

  @Test func aTensorHasWhatItsShapeAsksFor() {
    #expect(Tensor(shape: [2, 2], [1, 2, 3, 4])?.shape == [2, 2])
    for shape in [[2], [5], [-2, -2], [4, -1], [1 << 62, 4], [0]] {
      #expect(Tensor(shape: shape, [1, 2, 3, 4]) == nil, "\(shape)")
    }
    #expect(Tensor(shape: [], [1]) != nil)
    #expect(Tensor(shape: [], []) == nil)
    for shape in [[0], [0, 3], [3, 0]] { #expect(Tensor(shape: shape, [])?.shape == shape) }
  }

  @Test(arguments: elements) func numbersAreTheNearestOfTheTypeAskedFor(_ elements: Tensor.Elements)
  {
    let tensor = Tensor(elements: elements)
    #expect(tensor.shape == [elements.count] && tensor.doubles.count == elements.count)
    #expect(tensor.floats == tensor.doubles.map(Float.init))
    #expect([Double](toolValue: .tensor(tensor)) == tensor.doubles)
    #expect([Float](toolValue: .embedding(elements)) == tensor.floats)
    #expect(Tensor(toolValue: .embedding(elements)) == tensor)
    let expected: [Double] =
      switch elements.type {
      case .float64: elements.count == 0 ? [] : [1.5, -0.25, .greatestFiniteMagnitude]
      case .float32: [1.5, -0.25]
      case .int64: [-0x1p63, 0x1p63, 0]
      case .int32: [-0x1p31, 0x1p31 - 1]
      case .int16: [-32768, 32767]
      case .int8: [-128, 127]
      case .uint64: [0x1p64, 0]
      case .uint32: [0x1p32 - 1]
      case .uint16: [65535]
      case .uint8: [255]
      case .bool: [1, 0]
      }
    #expect(tensor.doubles == expected)
  }

  @Test func typesReadWhatIsTheirsAndNothingElse() {
    #expect(Double(toolValue: .integer(3)) == 3 && Double(toolValue: .float(0.5)) == 0.5)
    #expect(Float(toolValue: .integer(3)) == 3 && Float(toolValue: .string("3")) == nil)
    #expect(Double(toolValue: .string("3")) == nil && Double(toolValue: .boolean(true)) == nil)
    #expect(Int(toolValue: .integer(.min)) == .min && Int(toolValue: .float(3)) == nil)
    #expect(Int64(toolValue: .integer(.max)) == .max && Int64(toolValue: .float(3)) == nil)
    #expect(Bool(toolValue: .boolean(true)) == true && Bool(toolValue: .integer(1)) == nil)
    #expect(String(toolValue: .module("m")) == "m" && String(toolValue: .choice("c")) == "c")
    #expect(String(toolValue: .json(JSONText("\"a\""))) == nil)
    #expect(Bytes(toolValue: .bytes(Bytes([1]))) == Bytes([1]) && Bytes(toolValue: .null) == nil)
    #expect(JSONText(toolValue: .json(JSONText("1"))) == JSONText("1"))
    #expect(JSONText(toolValue: .string("1")) == nil)
    #expect(Tensor(toolValue: .float(1)) == nil && [Double](toolValue: .float(1)) == nil)
    #expect(Mode(toolValue: .choice("exact")) == .exact && Mode(toolValue: .string("slow")) == nil)
    #expect(Mode(toolValue: .integer(0)) == nil && Mode.exact.toolValue == .choice("exact"))
    #expect(Int?(toolValue: .null) == .some(.none) && Int?(toolValue: .integer(4)) == 4)
    #expect(Int?(toolValue: .string("")) == nil && (nil as Int?).toolValue == .null)
    #expect((4 as Int?).toolValue == .integer(4) && ToolValue(toolValue: .null) == .null)
  }

  @Test func placeholdersAndTypesOfOptionalsAreThoseOfWhatMayBeThere() {
    #expect(Double.placeholder == 0 && Float.placeholder == 0 && Int.placeholder == 0)
    #expect(Int64.placeholder == 0 && !Bool.placeholder && String.placeholder == "")
    #expect(Mode.placeholder == .fast && Mode?.placeholder == nil && [Double].placeholder == [])
    #expect(Tensor.placeholder.elements.count == 0 && Bytes.placeholder == Bytes([]))
    #expect(JSONText.placeholder.text == "null" && ToolValue.placeholder == .null)
    #expect(Mode?.valueType == .choice && Mode?.choices == ["fast", "exact"])
    #expect(Mode?.isOptional && !Mode.isOptional && !ToolValue.isOptional && Int.choices.isEmpty)
  }

  @Test func onlyWhatLosesNothingIsAnotherTypeThan() {
    #expect(ToolValue.string("a").coerced(to: .choice) == .choice("a"))
    #expect(ToolValue.string("a").coerced(to: .module) == .module("a"))
    #expect(ToolValue.integer(2).coerced(to: .float) == .float(2))
    #expect(ToolValue.float(2).coerced(to: .integer) == .integer(2))
    #expect(ToolValue.float(2.5).coerced(to: .integer) == .float(2.5))
    #expect(ToolValue.float(0x1p63).coerced(to: .integer) == .float(0x1p63))
    #expect(
      ToolValue.embedding(.float64([1])).coerced(to: .tensor) == .tensor(Tensor(shape: [1], [1])!))
    #expect(ToolValue.boolean(true).coerced(to: .float) == .boolean(true))
  }

  @Test func jsonIsWrittenAsItIsRead() {
    let text = JSONText.object([
      "null": nil as Int?, "number": 0.5, "none": Double.nan, "endless": -Double.infinity,
      "whole": Int.min, "yes": true, "no": false, "mode": Mode.exact, "vector": [1.5, 2],
      "largest": Tensor(elements: .uint64([.max])), "least": Tensor(elements: .int64([.min, 1])),
      "flags": Tensor(elements: .bool([true, false])), "empty": Tensor(shape: [2, 0], [])!,
      "bytes": Bytes([0, 255]), "inner": JSONText.array([1, "a"]),
    ])
    #expect(text.kind == .object)
    #expect(
      text.text == #"{"null":null,"number":0.5,"none":null,"endless":null,"#
        + #""whole":-9223372036854775808,"yes":true,"no":false,"mode":"exact","vector":[1.5,2.0],"#
        + #""largest":{"shape":[1],"data":[18446744073709551615]},"#
        + #""least":{"shape":[2],"data":[-9223372036854775808,1]},"#
        + #""flags":{"shape":[2],"data":[true,false]},"empty":{"shape":[2,0],"data":[]},"#
        + #""bytes":[0,255],"inner":[1,"a"]}"#)
    #expect(JSONText.array([]).text == "[]" && JSONText.array([]).kind == .array)
    #expect(
      JSONText.array(["\"\\\n\r\t\u{0}\u{1f} \u{7f}é"]).text
        == #"["\"\\\n\r\t\u0000\u001f \#u{7f}é"]"#)
  }

  @Test func textIsReadAsFarAsItGoes() {
    #expect(String(bridge_str(data: nil, length: 5)) == "")
    "abc".withView { view in
      #expect(String(bridge_str(data: view.data, length: 2)) == "ab")
      #expect(String(bridge_str(data: view.data, length: -1)) == "")
    }
    [UInt8]([0x61, 0xff]).withUnsafeBytes { #expect(String(bridge_str($0)) == "a\u{fffd}") }
  }

  @Test func pairsBecomeADictionary() {
    var arena = Arena()
    defer { arena.free() }
    let metadata = ["a": "1", "b": "", "ä": "2"]
    let (pairs, count) = arena.pairs(metadata)
    #expect(count == 3 && dictionary(pairs, count) == metadata)
    #expect(dictionary(pairs, -1).isEmpty && dictionary(nil, 3).isEmpty)
    #expect(arena.pairs([:]).0 == nil)
  }

  /// A host that knows less of a struct, or more.
  @Test func structsAreReadAsFarAsBothSidesKnowThem() {
    let known = MemoryLayout<bridge_details>.size
    for size in [known - 8, known, known + 64] {
      let memory = UnsafeMutableRawPointer.allocate(byteCount: known + 64, alignment: 8)
      defer { memory.deallocate() }
      memory.initializeMemory(as: UInt8.self, repeating: 0, count: known + 64)
      let details = memory.assumingMemoryBound(to: bridge_details.self)
      details.pointee.written_at = 7
      details.pointee.size = UInt32(size)
      let read = "tool:a".withView { view in
        details.pointee.writer = view
        return VariableDetails(details)
      }
      #expect((read != nil) == (size >= known), "\(size)")
      if let read {
        #expect(read.writer == "tool:a" && read.writtenAt == 7 && read.constraints == nil)
      }
      #expect(sizeOf(memory) == size)
    }
  }

  @Test(
    arguments: [
      (Duration.zero, 0), (.nanoseconds(1), 1), (.seconds(3), 3_000_000_000),
      (.seconds(-3), 0), (.nanoseconds(-1), 0), (.seconds(Int64.max), .max),
      (.seconds(Int64.min), 0), (.seconds(9_223_372_036) + .nanoseconds(854_775_807), .max),
      (.seconds(9_223_372_036) + .nanoseconds(999_999_999), .max),
      (.milliseconds(1500), 1_500_000_000),
    ] as [(Duration, Int64)]) func durationsAreWholeNanoseconds(
      _ duration: Duration, _ expected: Int64
    )
  {
    #expect(duration.wholeNanoseconds == expected)
  }
}
