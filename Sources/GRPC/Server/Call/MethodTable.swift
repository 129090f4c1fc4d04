/// The methods a server has, by path.
struct MethodTable: Sendable {
  private let methods: [String: ServedMethod]

  init(_ list: [RPCMethod]) {
    var methods: [String: ServedMethod] = [:]
    for method in list {
      precondition(methods[method.path] == nil, "\(method.path) is registered twice")
      methods[method.path] = ServedMethod(method)
    }
    self.methods = methods
  }

  subscript(path: String) -> ServedMethod? { methods[path] }
}

/// A method as calls refer to it: they would otherwise copy its path and closures each time.
final class ServedMethod: Sendable {
  let path: String
  let implementation: RPCMethod.Implementation
  let takesOneRequest: Bool
  let ignoresDeadline: Bool
  let requestLimit: Int

  init(_ method: RPCMethod) {
    path = method.path
    implementation = method.implementation
    takesOneRequest = method.takesOneRequest
    ignoresDeadline = method.ignoresDeadline
    requestLimit = method.requestLimit
  }
}
