import ConformanceSupport
import SwiftProtobuf

/// The messages of the conformance suite under shorter names.
enum Wire {
  typealias UnaryRequest = Connectrpc_Conformance_V1_UnaryRequest
  typealias UnaryResponse = Connectrpc_Conformance_V1_UnaryResponse
  typealias IdempotentUnaryRequest = Connectrpc_Conformance_V1_IdempotentUnaryRequest
  typealias IdempotentUnaryResponse = Connectrpc_Conformance_V1_IdempotentUnaryResponse
  typealias ClientStreamRequest = Connectrpc_Conformance_V1_ClientStreamRequest
  typealias ClientStreamResponse = Connectrpc_Conformance_V1_ClientStreamResponse
  typealias ServerStreamRequest = Connectrpc_Conformance_V1_ServerStreamRequest
  typealias ServerStreamResponse = Connectrpc_Conformance_V1_ServerStreamResponse
  typealias BidiStreamRequest = Connectrpc_Conformance_V1_BidiStreamRequest
  typealias BidiStreamResponse = Connectrpc_Conformance_V1_BidiStreamResponse
  typealias UnaryDefinition = Connectrpc_Conformance_V1_UnaryResponseDefinition
  typealias StreamDefinition = Connectrpc_Conformance_V1_StreamResponseDefinition
  typealias Payload = Connectrpc_Conformance_V1_ConformancePayload
  typealias RequestInfo = Connectrpc_Conformance_V1_ConformancePayload.RequestInfo
  typealias Header = Connectrpc_Conformance_V1_Header
  typealias Error = Connectrpc_Conformance_V1_Error
}

/// A request that is answered once, as it says.
protocol UnaryDefining: Message {
  var responseDefinition: Wire.UnaryDefinition { get }
}

extension Wire.UnaryRequest: UnaryDefining {}
extension Wire.IdempotentUnaryRequest: UnaryDefining {}
extension Wire.ClientStreamRequest: UnaryDefining {}

/// A request that is answered with a stream, as it says.
protocol StreamDefining: Message {
  var responseDefinition: Wire.StreamDefinition { get }
  var fullDuplex: Bool { get }
}

extension Wire.BidiStreamRequest: StreamDefining {}
extension Wire.ServerStreamRequest: StreamDefining {
  var fullDuplex: Bool { false }
}

/// A response that holds a payload.
protocol PayloadCarrying: Message {
  var payload: Wire.Payload { get set }
}

extension Wire.UnaryResponse: PayloadCarrying {}
extension Wire.IdempotentUnaryResponse: PayloadCarrying {}
extension Wire.ClientStreamResponse: PayloadCarrying {}
extension Wire.ServerStreamResponse: PayloadCarrying {}
extension Wire.BidiStreamResponse: PayloadCarrying {}
