internal import BinaryFormats

/// What must hold whatever bytes a reader gets.
public enum ReaderCheck {
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  /// Small, so that inputs reach it.
  public static let sizeLimit = 1 << 16

  private static let descriptions: [ArrayDescription] = [
    ArrayDescription(), ArrayDescription(dataType: DataType(.float32)),
    ArrayDescription(dataType: DataType(.bool)), ArrayDescription(dataType: DataType(">u2")),
    ArrayDescription(shape: [2, 3], dataType: DataType(.int64)),
    ArrayDescription(shape: [0], dataType: DataType("float16")),
  ]

  /// Reads the bytes in every format. They are refused with an error, or make an array that is
  /// sound, within the limit, and the same after writing and reading it in any format.
  ///
  /// - Returns: How often the bytes were taken, not counting `raw`, which takes nearly all.
  @discardableResult
  public static func run(_ bytes: [UInt8]) throws(Failure) -> Int {
    var taken = 0
    for format in BinaryFormat.allCases {
      for description in descriptions {
        let array: BinaryArray
        do {
          array = try format.read(bytes, description, sizeLimit: sizeLimit)
        } catch {
          if error.message.isEmpty { throw Failure(description: "\(format): no message") }
          continue
        }
        if format != .raw { taken += 1 }
        try check(array, description, readFrom: bytes.count, format)
      }
    }
    return taken
  }

  private static func check(
    _ array: BinaryArray, _ description: ArrayDescription, readFrom count: Int,
    _ format: BinaryFormat
  ) throws(Failure) {
    func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(Failure) {
      if !condition { throw Failure(description: "\(format): \(message()): \(array)") }
    }
    try require(
      array.shape.elementCount == array.count
        && array.count * array.elementType.width == array.bytes.count,
      "shape and bytes do not fit")
    try require(
      description.shape == nil || description.shape == array.shape, "not the shape it should be")
    try require(array.bytes.count <= max(sizeLimit, 2 * count), "too large")
    let own = ArrayDescription(shape: array.shape, dataType: DataType(array.elementType))
    for other in BinaryFormat.allCases {
      do {
        let again = try other.read(other.write(array), own)
        try require(again.isSame(as: array), "comes back from \(other) as \(again)")
      } catch let error as BinaryFormatError {
        throw Failure(description: "\(format): \(other) refuses its own: \(error)")
      } catch let error as Failure {
        throw error
      } catch {
        throw Failure(description: "\(error)")
      }
    }
  }
}
