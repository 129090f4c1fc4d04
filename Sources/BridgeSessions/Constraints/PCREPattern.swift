internal import CPCRE2

/// A compiled PCRE pattern, the dialect of Elixir's and Erlang's regexes.
///
/// Matching is bounded: a pattern that backtracks too much on a text is an error, not a hang.
/// Thread-safe: PCRE2 documents a compiled pattern as constant, and match data is made per match.
///
/// Source: https://www.pcre.org/current/doc/html/pcre2api.html
// @unchecked: `code` and `context` are never changed after init.
public final class PCREPattern: @unchecked Sendable {
  /// The pattern as it was written.
  public let source: String
  private let code: OpaquePointer
  private let context: OpaquePointer

  /// Backtracking steps one match may take, and KiB of memory it may use.
  private static let matchLimit: UInt32 = 100_000
  private static let heapLimit: UInt32 = 4096

  /// - Throws: `SessionError` with PCRE2's own words when the pattern does not compile.
  public init(_ source: String) throws {
    var errorNumber: CInt = 0
    var errorOffset = 0
    let options = UInt32(PCRE2_UTF) | UInt32(PCRE2_UCP) | UInt32(PCRE2_NEVER_BACKSLASH_C)
    let bytes = Array(source.utf8)
    guard
      let code = pcre2_compile_8(
        bytes, bytes.count, options, &errorNumber, &errorOffset, nil)
    else {
      throw SessionError(
        .invalidValue,
        "pattern \"\(source)\" does not compile: \(Self.text(of: errorNumber)) at offset "
          + "\(errorOffset)")
    }
    // Without JIT support the interpreter takes over: the result is not an error.
    pcre2_jit_compile_8(code, UInt32(PCRE2_JIT_COMPLETE))
    let context = pcre2_match_context_create_8(nil)!
    pcre2_set_match_limit_8(context, Self.matchLimit)
    pcre2_set_heap_limit_8(context, Self.heapLimit)
    self.source = source
    self.code = code
    self.context = context
  }

  deinit {
    pcre2_match_context_free_8(context)
    pcre2_code_free_8(code)
  }

  /// Whether the pattern occurs in a text.
  ///
  /// - Throws: `SessionError` when the search takes more steps or memory than it may.
  public func matches(_ text: String) throws -> Bool {
    let bytes = Array(text.utf8)
    let matchData = pcre2_match_data_create_8(1, nil)
    defer { pcre2_match_data_free_8(matchData) }
    let result = pcre2_match_8(
      code, bytes, bytes.count, 0, UInt32(PCRE2_NO_UTF_CHECK), matchData, context)
    if result >= 0 { return true }
    if result == PCRE2_ERROR_NOMATCH { return false }
    throw SessionError(
      .invalidValue,
      "pattern \"\(source)\" cannot be checked against this value: \(Self.text(of: result))")
  }

  private static func text(of code: CInt) -> String {
    var buffer = [UInt8](repeating: 0, count: 256)
    let length = pcre2_get_error_message_8(code, &buffer, buffer.count)
    return length > 0 ? String(decoding: buffer[..<Int(length)], as: UTF8.self) : "error \(code)"
  }
}
