/// The tags of terms.
///
/// Source: https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
enum ErlangTag {
  static let version: UInt8 = 131
  static let compressed: UInt8 = 80

  static let newFloat: UInt8 = 70
  static let smallInteger: UInt8 = 97
  static let integer: UInt8 = 98
  static let float: UInt8 = 99
  static let atom: UInt8 = 100
  static let smallTuple: UInt8 = 104
  static let largeTuple: UInt8 = 105
  static let `nil`: UInt8 = 106
  static let string: UInt8 = 107
  static let list: UInt8 = 108
  static let binary: UInt8 = 109
  static let smallBig: UInt8 = 110
  static let largeBig: UInt8 = 111
  static let smallAtom: UInt8 = 115
  static let atomUTF8: UInt8 = 118
  static let smallAtomUTF8: UInt8 = 119

  /// The names of terms that are no numbers, for error messages.
  static let others: [UInt8: String] = [
    77: "a bitstring", 82: "a cached atom", 88: "a process id", 89: "a port", 90: "a reference",
    101: "a reference", 102: "a port", 103: "a process id", 112: "a function",
    113: "an external function", 114: "a reference", 116: "a map", 117: "a function",
    120: "a port", 121: "a local term",
  ]
}
