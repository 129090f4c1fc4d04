/// The methods a server has, by path.
struct MethodTable: Sendable {
  private let methods: [String: RPCMethod]

  init(_ list: [RPCMethod]) {
    var methods: [String: RPCMethod] = [:]
    for method in list {
      precondition(methods[method.path] == nil, "\(method.path) is registered twice")
      methods[method.path] = method
    }
    self.methods = methods
  }

  subscript(path: String) -> RPCMethod? { methods[path] }
}
