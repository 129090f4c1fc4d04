/// The type of a variable or parameter, under its name on the wire.
public enum ValueType: String, Sendable, CaseIterable {
  case float, integer, string, boolean, choice, module, embedding, tensor
}
