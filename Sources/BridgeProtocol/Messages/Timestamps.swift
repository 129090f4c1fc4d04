package import SwiftProtobuf

extension Google_Protobuf_Timestamp {
  /// - Parameter nanoseconds: Since 1970.
  package init(nanoseconds: Int64) {
    self.init(
      seconds: nanoseconds / 1_000_000_000, nanos: Int32(nanoseconds % 1_000_000_000))
  }
}
