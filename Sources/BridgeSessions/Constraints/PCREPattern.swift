internal import CPCRE2

/// A compiled PCRE pattern, the dialect of Elixir's and Erlang's regexes.
///
/// A search is bounded as a whole, in steps and in memory: whatever the pattern and the text, it ends
/// within some tens of milliseconds, if need be as an error. A `SearchBudget` bounds those of a request
/// together. Thread-safe: PCRE2 documents a compiled pattern as constant, and everything else is made per
/// search.
///
/// Source: https://www.pcre.org/current/doc/html/pcre2api.html
// @unchecked: `code` is never changed after init.
public final class PCREPattern: @unchecked Sendable {
  /// The pattern as it was written.
  public let source: String
  private let code: OpaquePointer
  private let countsSteps: Bool
  /// About how many bytes it keeps alive: what PCRE2 makes of a pattern can be a thousand times as long.
  let byteCount: Int

  /// Bytes a pattern may have.
  static let lengthLimit = 16 * 1024
  /// Patterns whose compiled form is larger are interpreted: compiling them to machine code takes
  /// milliseconds, and ten times their memory.
  private static let jitLimit = 8 * 1024

  /// - Throws: `SessionError` with PCRE2's own words when the pattern does not compile.
  public init(_ source: String) throws {
    let bytes = Array(source.utf8)
    guard bytes.count <= Self.lengthLimit else {
      throw SessionError(
        .invalidValue,
        "a pattern of \(bytes.count) bytes; at most \(Self.lengthLimit) are taken")
    }
    var errorNumber: CInt = 0
    var errorOffset = 0
    func compile(_ more: UInt32) -> OpaquePointer? {
      let options = UInt32(PCRE2_UTF) | UInt32(PCRE2_UCP) | UInt32(PCRE2_NEVER_BACKSLASH_C) | more
      return pcre2_compile_8(bytes, bytes.count, options, &errorNumber, &errorOffset, nil)
    }
    // Callouts before every item of the pattern count the steps of a search.
    var counted = compile(UInt32(PCRE2_AUTO_CALLOUT))
    let countsSteps = counted != nil
    // With them a pattern may be too large for PCRE2.
    if counted == nil { counted = compile(0) }
    guard let code = counted else {
      throw SessionError(
        .invalidValue,
        "pattern \"\(source)\" does not compile: \(Self.text(of: errorNumber)) at offset "
          + "\(errorOffset)")
    }
    var codeSize = 0
    pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_SIZE), &codeSize)
    // Without JIT support the interpreter takes over: the result is not an error.
    if codeSize <= Self.jitLimit { pcre2_jit_compile_8(code, UInt32(PCRE2_JIT_COMPLETE)) }
    var jitSize = 0
    pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_JITSIZE), &jitSize)
    self.source = source
    self.code = code
    self.countsSteps = countsSteps
    // The allocator rounds machine code up to pages.
    self.byteCount = codeSize + (jitSize + 4095) / 4096 * 4096 + bytes.count + 256
  }

  deinit { pcre2_code_free_8(code) }

  /// Whether the pattern occurs in a text.
  ///
  /// - Throws: `SessionError` when the search takes more steps or memory than it may;
  ///   `SearchInterruption`.
  public func matches(_ text: String, _ budget: inout SearchBudget) throws -> Bool {
    if budget.stepsLeft == 0 { throw stepsAreSpent(budget) }
    // Without steps nobody knows how long it takes.
    if budget.isBrief && !countsSteps { throw SearchInterruption.needsTime }
    var text = text
    let result = try text.withUTF8 {
      try PatternSearch.run(code, countsSteps: countsSteps, in: $0, &budget)
    }
    if result >= 0 { return true }
    switch result {
    case PCRE2_ERROR_NOMATCH: return false
    case PCRE2_ERROR_CALLOUT where budget.stepsLeft == 0: throw stepsAreSpent(budget)
    case PCRE2_ERROR_CALLOUT, PCRE2_ERROR_MATCHLIMIT:
      throw cannotBeChecked("the search takes more steps than it may")
    case PCRE2_ERROR_HEAPLIMIT, PCRE2_ERROR_NOMEMORY:
      throw cannotBeChecked("the search takes more memory than it may")
    default: throw cannotBeChecked(Self.text(of: result))
    }
  }

  private func stepsAreSpent(_ budget: SearchBudget) -> any Error {
    if budget.isBrief { return SearchInterruption.needsTime }
    return cannotBeChecked("the searches of the request take more steps than they may together")
  }

  private func cannotBeChecked(_ reason: String) -> SessionError {
    SessionError(
      .invalidValue, "pattern \"\(source)\" cannot be checked against this value: \(reason)")
  }

  private static func text(of code: CInt) -> String {
    var buffer = [UInt8](repeating: 0, count: 256)
    let length = pcre2_get_error_message_8(code, &buffer, buffer.count)
    return length > 0 ? String(decoding: buffer[..<Int(length)], as: UTF8.self) : "error \(code)"
  }
}
