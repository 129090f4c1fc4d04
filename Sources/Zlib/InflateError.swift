/// Why compressed data cannot be inflated.
package enum InflateError: Error, Equatable {
  /// It is not of the format, or a checksum does not match.
  case malformed
  /// It ends too soon.
  case truncated
  /// Its content is longer than the limit.
  case tooLong
  /// So many bytes follow its end.
  case trailingBytes(Int)
}
