/// The sizes, in bytes, of what hosts make, as version 1.0 of the ABI has them: no host has less.
enum FirstRelease {
  static let host = 96
  static let callAPI = 184
  static let variablesAPI = 88
  static let toolsAPI = 32
  static let variable = 96
  static let details = 64
  static let change = 56
}
