/// The type of a variable or parameter, under its name on the wire.
public enum ValueType: String, Sendable, CaseIterable {
  case float, integer, string, boolean, choice, module, embedding, tensor

  /// Whether its values are texts.
  public var isText: Bool {
    switch self {
    case .string, .choice, .module: true
    case .float, .integer, .boolean, .embedding, .tensor: false
    }
  }
}
