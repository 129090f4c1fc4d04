internal import ArgumentParser
internal import GRPC

extension ServerAddress {
  /// Reads an address of the command line.
  static func argument(_ text: String) throws -> ServerAddress {
    do {
      return try ServerAddress(parsing: text)
    } catch {
      throw ValidationError("\(error)")
    }
  }
}
