/// The type of a parameter, a result or a variable.
///
/// The raw values are those of the ABI's `bridge_type`. The first eight after `null` are what a
/// variable can be; the rest occurs in parameters and results only.
public enum ValueType: UInt32, Sendable, Hashable {
  /// No value.
  case null = 0
  /// A 64-bit floating point number.
  case float = 1
  /// A 64-bit whole number.
  case integer = 2
  /// Text.
  case string = 3
  /// True or false.
  case boolean = 4
  /// One of a list of texts.
  case choice = 5
  /// The name of a module.
  case module = 6
  /// A vector of numbers.
  case embedding = 7
  /// Numbers with a shape.
  case tensor = 8
  /// The JSON text of an object.
  case object = 9
  /// The JSON text of an array.
  case array = 10
  /// Bytes.
  case bytes = 11
  /// The JSON text of anything.
  case any = 12
}
