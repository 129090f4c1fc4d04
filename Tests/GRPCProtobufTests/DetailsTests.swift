import GRPC
import GRPCProtobuf
import SwiftProtobuf
import Testing

@Suite struct DetailsTests {
  @Test func detailsComeBackByType() {
    let error = RPCError(
      .outOfRange, "too far",
      packing: [
        Google_Protobuf_StringValue("one"), Google_Protobuf_Int32Value(2),
        Google_Protobuf_StringValue("three"),
      ])
    #expect(error.code == .outOfRange)
    #expect(error.message == "too far")
    #expect(error.details(as: Google_Protobuf_StringValue.self).map(\.value) == ["one", "three"])
    #expect(error.details(as: Google_Protobuf_Int32Value.self).map(\.value) == [2])
    #expect(error.details(as: Google_Protobuf_BoolValue.self).isEmpty)
  }

  /// A google.rpc.Status as other implementations write it: code 5, message "no", one StringValue.
  @Test func detailsAreAStatus() throws {
    let error = RPCError(.notFound, "no", packing: [Google_Protobuf_StringValue("x")])
    let type = Array("type.googleapis.com/google.protobuf.StringValue".utf8)
    let any = [0x0A, UInt8(type.count)] + type + [0x12, 0x03, 0x0A, 0x01, 0x78]
    #expect(error.details == [0x08, 0x05, 0x12, 0x02, 0x6E, 0x6F, 0x1A, UInt8(any.count)] + any)
  }

  @Test func malformedDetailsAreNone() {
    let error = RPCError(.notFound, "no", details: [0xFF])
    #expect(error.details(as: Google_Protobuf_StringValue.self).isEmpty)
  }

  @Test func whatIsNoMessageIsInternal() {
    #expect(throws: RPCError.self) { try Google_Protobuf_StringValue(request: [0xFF]) }
    do throws(RPCError) {
      _ = try Google_Protobuf_StringValue(response: [0xFF])
      Issue.record("it was read")
    } catch {
      #expect(error.code == .internalError)
      #expect(error.message == "the response is not a well-formed google.protobuf.StringValue")
    }
  }
}
