/// Numbers of one element type with a shape, row-major.
public struct Tensor: Sendable, Hashable, ToolValueConvertible {
  /// One length a dimension, outermost first; empty for a scalar.
  public let shape: [Int]
  /// All elements in flat order.
  public let elements: Elements

  /// Makes a tensor, or answers nil where the shape asks for another number of elements.
  public init?(shape: [Int], elements: Elements) {
    guard Self.count(of: shape) == elements.count else { return nil }
    self.shape = shape
    self.elements = elements
  }

  /// Makes a tensor of float64, or answers nil where the shape asks for another number of elements.
  public init?(shape: [Int], _ numbers: [Double]) {
    self.init(shape: shape, elements: .float64(numbers))
  }

  /// Makes a tensor of one dimension.
  public init(elements: Elements) {
    shape = [elements.count]
    self.elements = elements
  }

  /// All elements in flat order as the nearest Doubles.
  public var doubles: [Double] { elements.doubles }

  /// All elements in flat order as the nearest Floats.
  public var floats: [Float] { elements.floats }

  /// How many elements a shape asks for; nil where no tensor can have it.
  private static func count(of shape: [Int]) -> Int? {
    var count = 1
    for length in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: length)
      guard length >= 0, !overflow else { return nil }
      count = product
    }
    return count
  }

  /// A tensor.
  public static var valueType: ValueType { .tensor }
  /// No numbers.
  public static var placeholder: Tensor { Tensor(elements: .float64([])) }

  /// Reads a tensor, or an embedding as a tensor of one dimension.
  public init?(toolValue: ToolValue) {
    switch toolValue {
    case .tensor(let tensor): self = tensor
    case .embedding(let elements): self.init(elements: elements)
    default: return nil
    }
  }

  /// A tensor.
  public var toolValue: ToolValue { .tensor(self) }
}
