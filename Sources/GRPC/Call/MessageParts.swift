/// A message whose bytes are in several arrays, sent one after the other.
///
/// For large answers: what is in memory already is sent from there.
package struct MessageParts: Sendable {
  /// How the message begins.
  let first: [UInt8]
  /// How it goes on.
  let following: [[UInt8]]

  /// A message in one array.
  package init(_ bytes: [UInt8]) {
    first = bytes
    following = []
  }

  /// A message that goes on in other arrays.
  package init(_ first: [UInt8], _ following: [UInt8]...) {
    self.first = first
    self.following = following.filter { !$0.isEmpty }
  }

  /// Bytes of the message.
  var count: Int { following.reduce(first.count) { $0 + $1.count } }

  /// The message in one array.
  package var joined: [UInt8] {
    if following.isEmpty { return first }
    var bytes: [UInt8] = []
    bytes.reserveLargeCapacity(count)
    bytes.append(contentsOf: first)
    for part in following { bytes.append(contentsOf: part) }
    return bytes
  }
}
