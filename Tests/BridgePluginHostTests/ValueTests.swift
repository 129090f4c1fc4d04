import BinaryFormatsFuzzing
import BridgePluginABI
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

  /// What a view of numbers says against itself is found before its memory is looked at.
  @Test func viewsOfNumbersAreChecked() throws {
    let storage = ValueStorage(
      .value(
        .array(NumericArray(shape: [2, 3], elementType: .int16, bytes: Array(0..<12))), .tensor))
    let original = storage.view
    func refusal(_ change: (inout bridge_numbers) -> Void) -> String? {
      var view = original
      change(&view.as.numbers)
      do {
        _ = try ToolValue(copying: &view)
        return nil
      } catch {
        return (error as? SessionError)?.message ?? "\(error)"
      }
    }
    #expect(refusal { _ in } == nil)
    #expect(refusal { $0.element = 99 } == "unknown element type 99")
    #expect(refusal { $0.data = nil } == "6 numbers have no data")
    #expect(refusal { $0.count = 1 << 40 + 1 } == "\(1 << 40 + 1) numbers have no data")
    #expect(refusal { $0.count = 5 }?.contains("does not fit 5 elements") == true)
    #expect(refusal { $0.rank = 33 } == "33 dimensions; at most 32 are taken")
    #expect(refusal { $0.rank = 1 }?.contains("shape [2] does not fit 6") == true)
    let lengths: [UInt64] = [1 << 63, 0]
    lengths.withUnsafeBufferPointer { lengths in
      #expect(
        refusal { $0.shape = lengths.baseAddress }
          == "a dimension of \(UInt64(1) << 63) is too large")
    }
    let product: [UInt64] = [1 << 62, 4]
    product.withUnsafeBufferPointer { product in
      #expect(refusal { $0.shape = product.baseAddress }?.contains("does not fit") == true)
    }
    let most = [UInt64](repeating: 1, count: 31) + [6]
    most.withUnsafeBufferPointer { most in
      #expect(
        refusal {
          $0.shape = most.baseAddress
          $0.rank = 32
        } == nil)
    }
    withExtendedLifetime(storage) {}
  }
}
