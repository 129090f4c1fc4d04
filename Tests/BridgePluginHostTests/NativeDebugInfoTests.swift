import Glibc
import Testing

@testable import BridgePluginHost

/// Manifests that contradict what the library's debug information says of its functions.
@Suite(.timeLimit(.minutes(2))) struct NativeDebugInfoTests {
  private let fixture: Fixture

  init() throws {
    fixture = try Fixture("native.c", as: "native")
  }

  private func load(_ manifest: String) throws {
    fixture.write("n.native.json", manifest)
    _ = try TestHost().plugins.load("\(fixture.directory)/n.native.json")
  }

  private func changed(_ right: String, _ wrong: String) throws -> String {
    let manifest = Fixture.text("native.native.json")
    let place = try #require(manifest.firstRange(of: right), "\(right)")
    return manifest[..<place.lowerBound] + wrong + manifest[place.upperBound...]
  }

  @Test(arguments: [
    (
      #""factor", "type": "double""#, #""factor", "type": "float""#,
      "tools[1].parameters[1].type: tool grow: grow takes double for parameter factor, and not float, as the "
        + "library's debug information says"
    ),
    (
      #""name": "a", "type": "struct point""#, #""name": "a", "type": "struct shape""#,
      "takes struct point of 16 bytes for parameter a, and not struct shape of"
    ),
    (
      #""struct shape*", "nullable": true"#, #""struct point*", "nullable": true"#,
      "for parameter shape, and not struct point* of 16 bytes"
    ),
    (
      #""remainder", "type": "int32""#, #""remainder", "type": "int64""#,
      "for parameter remainder, and not int64 to write to"
    ),
    (
      #""quotient", "type": "int64", "direction": "out""#, #""quotient", "type": "int64""#,
      "for parameter quotient, and not int64"
    ),
    (
      #"{"name": "number", "type": "int64"}, "#, "",
      "tools[5].parameters: tool divide: divide takes 4 parameters, and not 3"
    ),
    (
      #"{"name": "number", "type": "uint8"}"#, #"{"name": "number", "type": "int8"}"#,
      "for parameter number, and not int8"
    ),
    (
      #""order", "type": "callback order""#, #""order", "type": "int64""#,
      "for parameter order (compare), and not int64"
    ),
    (
      #""table", "type": "double[]", "tensor": true"#,
      #""table", "type": "float[]", "tensor": true"#, "for parameter table, and not float[]"
    ),
    (
      #""text", "type": "string"}"#, #""text", "type": "double"}"#,
      "for parameter text, and not double"
    ),
    (
      #""numbers", "type": "int32[]", "direction": "out", "free": "release""#,
      #""numbers", "type": "int32[]", "direction": "out", "capacity": 8"#,
      "for parameter numbers, and not int32[] to write to"
    ),
    (
      #""below", "type": "int32""#, #""below", "type": "handle counter""#,
      "for parameter below, and not handle counter"
    ),
    (
      #"{"name": "unfreed", "symbol": "unfreed_count", "returns": {"type": "int64"}}"#,
      #"{"name": "unfreed", "symbol": "unfreed_count", "returns": {"type": "double"}}"#,
      "tools[7].returns.type: tool unfreed: unfreed_count returns"
    ),
    (
      #"{"name": "origin", "symbol": "origin", "returns": {"type": "struct point*"}}"#,
      #"{"name": "origin", "symbol": "middle", "parameters": [{"name": "a", "type": "struct point"}, {"name": "b", "type": "struct point"}]}"#,
      "middle returns struct point of 16 bytes, and not void"
    ),
    (
      #"{"name": "unfreed", "symbol": "unfreed_count", "returns": {"type": "int64"}}"#,
      #"{"name": "sum", "symbol": "sum_of", "parameters": [{"name": "count", "type": "int32"}]}"#,
      "tools[7].symbol: tool sum: sum_of takes a variable number of arguments"
    ),
  ])
  func aContradictionIsNamed(right: String, wrong: String, words: String) throws {
    let manifest = try changed(right, wrong)
    let error = try #require(throws: PluginError.self) { try load(manifest) }
    #expect(error.description.contains(words), "\(error)")
    // Without debug information there is nothing to hold it to.
    try #require(system("strip --strip-debug '\(fixture.path)'") == 0)
    try load(manifest)
  }

  @Test(arguments: [
    // Names that stand for the same, and what C does not tell apart.
    (#""below", "type": "int32""#, #""below", "type": "int32", "default": 4"#),
    (#""is_filled", "type": "bool""#, #""is_filled", "type": "uint8""#),
    (
      #""count", "type": "size_t"}, {"name": "length""#,
      #""count", "type": "uint64"}, {"name": "length""#
    ),
    // A result that nobody wants.
    (
      #"{"name": "unfreed", "symbol": "unfreed_count", "returns": {"type": "int64"}}"#,
      #"{"name": "unfreed", "symbol": "unfreed_count"}"#
    ),
  ])
  func whatFitsIsTaken(one: String, other: String) throws {
    try load(try changed(one, other))
  }
}
