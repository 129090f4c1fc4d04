/// Why a file cannot be validated at all, in a sentence for a person.
package struct ValidationError: Error, Sendable, CustomStringConvertible {
  /// What is wrong, in one line.
  package let description: String

  init(_ description: String) { self.description = description }
}
