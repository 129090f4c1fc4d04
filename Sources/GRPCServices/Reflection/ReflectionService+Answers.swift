internal import GRPC

extension ReflectionService {
  typealias Request = Grpc_Reflection_V1_ServerReflectionRequest
  typealias Response = Grpc_Reflection_V1_ServerReflectionResponse

  /// What cannot be found is an answer too; the stream goes on.
  func answer(to request: Request) throws(RPCError) -> Response {
    let index = try index()
    var response = Response()
    response.validHost = request.host
    response.originalRequest = request
    response.messageResponse =
      switch request.messageRequest {
      case .listServices:
        .listServicesResponse(
          .with { $0.service = services.map { name in .with { $0.name = name } } })
      case .fileByFilename(let name):
        files(name, of: index, orNotFound: "file \(name)")
      case .fileContainingSymbol(let symbol):
        files(index.file(declaring: symbol), of: index, orNotFound: "symbol \(symbol)")
      case .fileContainingExtension(let wanted):
        files(
          index.file(extending: wanted.containingType, number: wanted.extensionNumber), of: index,
          orNotFound: "extension \(wanted.extensionNumber) of \(wanted.containingType)")
      case .allExtensionNumbersOfType(let type):
        if let numbers = index.extensionNumbers(of: type) {
          .allExtensionNumbersResponse(
            .with {
              $0.baseTypeName = type
              $0.extensionNumber = numbers
            })
        } else {
          failure(.notFound, "unknown message \(type)")
        }
      case nil:
        failure(.invalidArgument, "the request asks for nothing")
      }
    return response
  }

  private func files(
    _ name: String?, of index: DescriptorIndex, orNotFound what: String
  ) -> Response.OneOf_MessageResponse {
    guard let name, let files = index.closure(of: name) else {
      return failure(.notFound, "unknown \(what)")
    }
    return .fileDescriptorResponse(.with { $0.fileDescriptorProto = files.map { .init($0) } })
  }

  private func failure(
    _ code: StatusCode, _ message: String
  ) -> Response.OneOf_MessageResponse {
    .errorResponse(
      .with {
        $0.errorCode = code.rawValue
        $0.errorMessage = message
      })
  }
}
