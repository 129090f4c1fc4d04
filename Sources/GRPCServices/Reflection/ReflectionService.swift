public import GRPC
internal import Threads

/// Server reflection, v1 and v1alpha: tells clients such as `grpcurl` which services there are and
/// what their messages look like.
///
/// Source: https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
public final class ReflectionService: Sendable {
  /// The full names of the service: its present one, and that of older clients.
  public static let names = ReflectionMethods.services

  /// The full names of all services, in order.
  let services: [String]
  private let descriptorSets: @Sendable () -> [[UInt8]]
  private let builtIndex = Locked<DescriptorIndex?>(nil)

  /// A request holds nothing but names.
  private static let requestLimit = 4 * 1024

  /// - Parameters:
  ///   - services: The full names of the services to tell of, beside reflection's own.
  ///   - descriptorSets: Serialized google.protobuf.FileDescriptorSets with the files of the
  ///     services and what these import. Asked for once, at the first request. Those of health and
  ///     reflection are known.
  public init(services: [String], descriptorSets: @escaping @Sendable () -> [[UInt8]]) {
    self.services = Set(services + Self.names).sorted()
    self.descriptorSets = descriptorSets
  }

  /// The method of each version, for the methods of a `GRPCServer`.
  public var methods: [RPCMethod] {
    // The two versions differ in nothing but their names.
    ReflectionMethods.infos.map { method in
      .requestStream(method.path) { ReflectionStream(service: self, call: $0) }
        .limitingRequests(to: Self.requestLimit)
    }
  }

  /// - Throws: INTERNAL when a descriptor set is none.
  func index() throws(RPCError) -> DescriptorIndex {
    try builtIndex.withLock { index throws(RPCError) in
      if let index { return index }
      do {
        let own = Base64.decode(ServiceDescriptors.base64)
        let built = try DescriptorIndex(sets: descriptorSets() + [own])
        index = built
        return built
      } catch {
        throw RPCError(.internalError, "the server's descriptors are malformed: \(error)")
      }
    }
  }
}
