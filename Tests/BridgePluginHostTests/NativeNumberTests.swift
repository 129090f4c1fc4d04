import BridgeSessions
import BridgeTools
import Testing

@testable import BridgePluginHost

/// Numbers at the bounds of every native type: they arrive as they are, or are refused.
@Suite struct NativeNumberTests {
  private let fixture: Fixture
  private let host = TestHost()
  private let session: Session

  private static let scalars = [
    "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "size_t",
    "float", "double", "string",
  ]
  private static let arrays: [(name: String, type: NumericArray.ElementType)] = [
    ("int8", .int8), ("uint8", .uint8), ("int16", .int16), ("uint16", .uint16), ("int32", .int32),
    ("uint32", .uint32), ("int64", .int64), ("uint64", .uint64), ("float", .float32),
    ("double", .float64),
  ]

  init() throws {
    fixture = try Fixture("numbers.c", as: "numbers")
    var tools = Self.scalars.map { type in
      #"{"name":"\#(type)","symbol":"echo_\#(type)","parameters":[{"name":"value","type":"\#(type)"}],"#
        + #""returns":{"type":"\#(type)"}}"#
    }
    tools += Self.arrays.map { name, _ in
      #"{"name":"\#(name)s","symbol":"array_\#(name)","parameters":["#
        + #"{"name":"values","type":"\#(name)[]","direction":"inout"},"#
        + #"{"name":"count","type":"size_t","length_of":"values"}]}"#
    }
    tools.append(#"{"name":"largest","symbol":"largest","returns":{"type":"uint64"}}"#)
    // The functions are hidden in plugins, not here.
    fixture.write(
      "n.native.json",
      #"{"plugin":"numbers","library":"./numbers.so","trusted":true,"tools":["#
        + tools.joined(separator: ",") + "]}")
    _ = try host.plugins.load("\(fixture.directory)/n.native.json")
    session = try Plugins.makeSession()
  }

  private func echo(_ type: String, _ text: String) -> String {
    do {
      return try host.result(type, ["value": text], session: session)
    } catch {
      return "refused"
    }
  }

  @Test(arguments: [
    ("int8", "-128", "127", "-129", "128"), ("uint8", "0", "255", "-1", "256"),
    ("int16", "-32768", "32767", "-32769", "32768"), ("uint16", "0", "65535", "-1", "65536"),
    ("int32", "-2147483648", "2147483647", "-2147483649", "2147483648"),
    ("uint32", "0", "4294967295", "-1", "4294967296"),
    (
      "int64", "-9223372036854775808", "9223372036854775807", "-9223372036854775809",
      "9223372036854775808"
    ),
    // No integer of the host is larger.
    ("uint64", "0", "9223372036854775807", "-1", "9223372036854775808"),
    ("size_t", "0", "9223372036854775807", "-1", "9223372036854775808"),
  ])
  func integersKeepTheirBounds(
    type: String, least: String, greatest: String, below: String, above: String
  ) {
    #expect(echo(type, least) == least)
    #expect(echo(type, greatest) == greatest)
    #expect(echo(type, below) == "refused")
    #expect(echo(type, above) == "refused")
    #expect(echo(type, "1.5") == "refused")
  }

  @Test func floatsAreExactOrRefused() {
    #expect(echo("double", "9007199254740992") == "9007199254740992.0")
    #expect(echo("double", "5e-324") == "5e-324")
    #expect(echo("double", "1.7976931348623157e308") == "1.7976931348623157e+308")
    #expect(echo("double", "-0.0") == "-0.0")
    #expect(echo("float", "16777216") == "16777216.0")
    #expect(
      echo("float", "16777217").contains("is no float") || echo("float", "16777217") == "refused")
    #expect(echo("float", "1e39").contains("is no float") || echo("float", "1e39") == "refused")
    #expect(echo("float", "0.5") == "0.5")
  }

  @Test func otherTypesArriveAsTheyAre() {
    #expect(echo("bool", "true") == "true" && echo("bool", "false") == "false")
    #expect(echo("bool", "1") == "refused")
    #expect(echo("string", #""hällo""#) == #""hällo""#)
    #expect(echo("string", #""""#) == #""""#)
    #expect(echo("string", #""a\u0000b""#).contains("NUL") == true)
  }

  @Test func whatIsTooLargeForTheHostIsAnError() throws {
    guard case .failure(let failure) = try host.run("largest", session: session).result else {
      Issue.record("it should fail")
      return
    }
    #expect(failure.code == 11 && failure.message.contains("18446744073709551615"))
  }

  /// Runs an array through a function of an element type.
  private func array(_ name: String, _ given: NumericArray) throws -> Result<ToolValue, ToolFailure>
  {
    let recorder = Recorder()
    _ = try host.tools.start(
      try host.tools.registry.admit("\(name)s"),
      ToolCall.Request(
        arguments: Arguments(checked: ["values": .value(.array(given), .embedding)])),
      in: session, onEventLoop: false, observer: recorder)
    return recorder.wait().result
  }

  private func numbers<T>(_ values: [T], _ type: NumericArray.ElementType) -> NumericArray {
    NumericArray(
      shape: [values.count], elementType: type, bytes: values.withUnsafeBytes { Array($0) })
  }

  @Test func arraysOf64BitsAreExact() throws {
    let signed = numbers([Int64.min, -1, 0, 1 << 53 + 1, .max], .int64)
    #expect(try array("int64", signed) == .success(.value(.array(signed), .embedding)))
    let unsigned = numbers([UInt64.min, 1 << 53 + 1, 1 << 63, .max], .uint64)
    #expect(try array("uint64", unsigned) == .success(.value(.array(unsigned), .embedding)))
    // Where nothing is lost they become other numbers, and nowhere else.
    let small = numbers([Int64(0), 1, 127], .int64)
    for (name, type) in Self.arrays {
      guard case .success(.value(.array(let result), _)) = try array(name, small) else {
        Issue.record("\(name)")
        continue
      }
      #expect(result.elementType == type && result.doubles == [0, 1, 127])
    }
    for (name, given) in [
      ("uint64", numbers([Int64(-1)], .int64)), ("int64", numbers([UInt64(1) << 63], .uint64)),
      ("double", numbers([Int64(1 << 53 + 1)], .int64)),
      ("double", numbers([UInt64.max], .uint64)), ("float", numbers([Double(1e39)], .float64)),
      ("uint32", numbers([Int64(1) << 32], .int64)), ("int8", numbers([Double(0.5)], .float64)),
      ("int64", numbers([Double(9_223_372_036_854_775_808)], .float64)),
      ("int32", numbers([Double.nan], .float64)),
    ] {
      guard case .failure(let failure) = try array(name, given) else {
        Issue.record("\(name) takes \(given.doubles)")
        continue
      }
      #expect(failure.code == 3, "\(name): \(failure)")
    }
    let odd = numbers([Double.infinity, -0.0, .leastNonzeroMagnitude], .float64)
    #expect(try array("double", odd) == .success(.value(.array(odd), .embedding)))
  }
}
