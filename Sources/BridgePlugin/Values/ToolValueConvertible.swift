/// A Swift type that parameters, results and variables can have.
///
/// The SDK brings `Double`, `Float`, `Int`, `Int64`, `String`, `Bool`, `[Double]`, `[Float]`,
/// `Tensor`, `JSONText`, `Bytes`, `ToolValue`, and optionals of them. An enum of strings needs only
/// to be declared as one, and becomes a choice:
///
///     enum Mode: String, CaseIterable, ToolValueConvertible { case fast, exact }
public protocol ToolValueConvertible: Sendable {
  /// The type without `Optional`.
  associatedtype Unwrapped: ToolValueConvertible = Self

  /// The type a parameter has in the tool's description.
  static var valueType: ValueType { get }

  /// The texts that are taken, for a choice; else empty.
  static var choices: [String] { get }

  /// Whether a parameter of this type may be left out, which then is `.null`.
  static var isOptional: Bool { get }

  /// What a tool reads from a parameter that it forgot to declare, in a call that then fails.
  static var placeholder: Self { get }

  /// Reads a value, or answers nil where it is not of this type.
  init?(toolValue: ToolValue)

  /// The value as it goes to the host.
  var toolValue: ToolValue { get }
}

extension ToolValueConvertible {
  /// No choices.
  public static var choices: [String] { [] }
  /// Not optional.
  public static var isOptional: Bool { false }
}

extension ToolValueConvertible
where Self: RawRepresentable & CaseIterable, Self.RawValue == String {
  /// An enum of strings is a choice.
  public static var valueType: ValueType { .choice }
  /// The raw values of all cases.
  public static var choices: [String] { allCases.map(\.rawValue) }
  /// The first case.
  public static var placeholder: Self { allCases[allCases.startIndex] }

  /// Reads the case with the text as raw value.
  public init?(toolValue: ToolValue) {
    guard let text = toolValue.text else { return nil }
    self.init(rawValue: text)
  }

  /// The raw value as a choice.
  public var toolValue: ToolValue { .choice(rawValue) }
}
