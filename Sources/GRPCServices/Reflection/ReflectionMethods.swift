package import GRPCProtobuf

/// The method of server reflection, in its two versions.
package enum ReflectionMethods {
  /// The full names of the services: the present one, and that of older clients.
  package static let services = [
    "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
  ]

  /// Answers questions about descriptors, a method for each service. The messages of both versions
  /// are the same but for their names.
  package static let infos = services.map { service in
    ProtobufMethod<
      Grpc_Reflection_V1_ServerReflectionRequest, Grpc_Reflection_V1_ServerReflectionResponse
    >(service, "ServerReflectionInfo", .bidirectional)
  }
}
