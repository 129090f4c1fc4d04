import BinaryFormatsFuzzing
import BridgeSessions
import BridgeTools
import RandomSessions
import Testing

@testable import BridgePluginHost

/// Values as they go to a plugin and come back.
@Suite struct ABIValueTests {
  @Test(arguments: ValueType.allCases)
  func anyValueComesBack(type: ValueType) throws {
    var random = RandomBits(seed: 1)
    for _ in 0..<300 {
      let value = Value.random(type, using: &random)
      let storage = ValueStorage(.value(value, type))
      var view = storage.view
      let read = try ToolValue(copying: &view)
      withExtendedLifetime(storage) {}
      guard case .value(let back, let backType) = read else {
        Issue.record("\(value) came back as \(read)")
        continue
      }
      #expect(backType == type)
      // How lists were nested in JSON is nothing to a plugin.
      if case .array(let array) = value {
        #expect(back == .array(array))
      } else {
        #expect(Payload(back).facts == Payload(value).facts)
      }
    }
  }

  @Test func textsAndBytesComeBack() throws {
    var random = RandomBits(seed: 2)
    for _ in 0..<300 {
      for value in [
        ToolValue.null, .bytes(random.bytes(random.below(50))), .json(Array("[1]".utf8), .array),
        .json(Array("{\"a\":null}".utf8), .object), .json(Array("\"x\"".utf8), .any),
      ] {
        let storage = ValueStorage(value)
        var view = storage.view
        #expect(try ToolValue(copying: &view) == value)
        withExtendedLifetime(storage) {}
      }
    }
  }
}
