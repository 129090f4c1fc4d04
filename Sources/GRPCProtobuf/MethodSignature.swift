internal import SwiftProtobuf

/// What a `ProtobufMethod` says, without its types: for lists of methods.
package struct MethodSignature: Sendable, Hashable {
  /// `/package.Service/Method`.
  package let path: String
  /// Full name of the request's message.
  package let request: String
  /// Full name of the response's message.
  package let response: String
  /// What is a stream.
  package let kind: MethodKind

  /// Describes a method.
  package init(path: String, request: String, response: String, kind: MethodKind) {
    self.path = path
    self.request = request
    self.response = response
    self.kind = kind
  }

  /// The methods that a serialized google.protobuf.FileDescriptorSet declares for a service.
  ///
  /// - Parameter service: Its full name.
  /// - Returns: In the order of the .proto; none when there is no such service.
  package static func declared(
    by descriptorSet: [UInt8], service: String
  ) throws -> [MethodSignature] {
    try Google_Protobuf_FileDescriptorSet(serializedBytes: descriptorSet).file.flatMap { file in
      file.service.filter { "\(file.package).\($0.name)" == service }.flatMap { declared in
        declared.method.map { method in
          MethodSignature(
            path: "/\(service)/\(method.name)", request: String(method.inputType.dropFirst()),
            response: String(method.outputType.dropFirst()),
            kind: kind(method.clientStreaming, method.serverStreaming))
        }
      }
    }
  }

  private static func kind(_ manyRequests: Bool, _ manyResponses: Bool) -> MethodKind {
    switch (manyRequests, manyResponses) {
    case (false, false): .unary
    case (false, true): .serverStream
    case (true, false): .clientStream
    case (true, true): .bidirectional
    }
  }
}

extension ProtobufMethod {
  /// The method without its types.
  package var signature: MethodSignature {
    MethodSignature(
      path: path, request: Request.protoMessageName, response: Response.protoMessageName,
      kind: kind)
  }
}
