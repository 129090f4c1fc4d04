/// The type of a variable or parameter, under its name on the wire.
public enum ValueType: String, Sendable, CaseIterable {
  case float, integer, string, boolean, choice, module, embedding, tensor

  /// A type by its name, which may be any text of a client's.
  public init?(name: String) {
    // Longer ones are no type's, and some would take long to compare.
    guard name.utf8.count <= 16 else { return nil }
    self.init(rawValue: name)
  }

  /// Whether its values are texts.
  public var isText: Bool {
    switch self {
    case .string, .choice, .module: true
    case .float, .integer, .boolean, .embedding, .tensor: false
    }
  }
}
