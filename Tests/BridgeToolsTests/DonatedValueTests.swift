import BridgeSessions
import Testing

@testable import BridgeTools

/// Large results whose memory was given away.
@Suite struct DonatedValueTests {
  private func value(_ content: DonatedValue.Content, _ bytes: [UInt8]) -> DonatedValue {
    DonatedValue(content, Blob(bytes))
  }

  @Test func thoseOfTheSameContentAreEqual() {
    let one = value(.bytes, [1, 2])
    #expect(one == one)
    #expect(one == value(.bytes, [1, 2]))
    #expect(one != value(.bytes, [1, 3]))
    #expect(one != value(.json(.any), [1, 2]))
    let numbers = value(.numbers(.tensor, shape: [2], .uint8), [1, 2])
    #expect(numbers == value(.numbers(.tensor, shape: [2], .uint8), [1, 2]))
    #expect(numbers != value(.numbers(.tensor, shape: [1, 2], .uint8), [1, 2]))
    #expect(numbers != one)
  }

  @Test func aCopyIsTheValue() {
    #expect(value(.bytes, [1, 2]).copy == .bytes([1, 2]))
    #expect(value(.json(.object), Array("{}".utf8)).copy == .json(Array("{}".utf8), .object))
    #expect(
      value(.numbers(.embedding, shape: [1], .uint8), [7]).copy
        == .value(
          .array(NumericArray(shape: [1], elementType: .uint8, bytes: [7])), .embedding))
  }

  @Test func typesHaveTheirNames() {
    #expect(value(.bytes, []).typeName == "bytes")
    #expect(value(.json(.object), []).typeName == ToolType.object.name)
    #expect(value(.numbers(.tensor, shape: [0], .int8), []).typeName == "tensor")
  }
}
