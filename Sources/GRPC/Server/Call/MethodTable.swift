/// The methods a server has, by path.
///
/// Paths are compared byte by byte. Strings would be brought into canonical order first, which takes
/// the square of the length of what a client sends.
struct MethodTable: Sendable {
  private let methods: [[UInt8]: ServedMethod]

  init(_ list: [RPCMethod]) {
    var methods: [[UInt8]: ServedMethod] = [:]
    for method in list {
      let path = Array(method.path.utf8)
      precondition(methods[path] == nil, "\(method.path) is registered twice")
      methods[path] = ServedMethod(method)
    }
    self.methods = methods
  }

  subscript(path: [UInt8]) -> ServedMethod? { methods[path] }
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
