internal import CPCRE2

/// One search of a pattern in a text, and the steps it has left.
///
/// PCRE2's own limit of steps begins anew at every place where a match may start, and does not count
/// what an item like `a*` passes over. Here PCRE2 tells before each item of the pattern where the search
/// is (a callout): that and the distance to where it was before are counted, for the whole search.
struct PatternSearch {
  private var position = 0
  /// Until it is looked again whether anybody waits for the result, and after that.
  private var stepsLeft: Int
  private var stepsLater = 0
  private let hasEnded: (@Sendable () -> Bool)?
  private var isEnded = false

  /// Steps for any text, for each byte of it, and at most. A step takes about a nanosecond.
  private static let baseSteps = 2_000_000
  private static let stepsPerByte = 256
  private static let stepLimit = 50_000_000
  /// Steps of reaching an item, beside one for each byte that was passed over.
  private static let itemCost = 16

  /// KiB that the interpreter may take for one search.
  private static let heapLimit: UInt32 = 64 * 1024
  /// Bytes of stack that machine code may take for a long text; for others the thread's own serves.
  private static let largeStack = 8 << 20
  private static let longText = 512

  /// Steps from one look at whether anybody waits to the next.
  private static let turn = 1_000_000

  private init(steps: Int, hasEnded: (@Sendable () -> Bool)?) {
    stepsLeft = hasEnded == nil ? steps : min(steps, Self.turn)
    stepsLater = steps - stepsLeft
    self.hasEnded = hasEnded
  }

  private static func limit(of textLength: Int) -> Int {
    let (steps, overflow) = textLength.multipliedReportingOverflow(by: stepsPerByte)
    return overflow ? stepLimit : min(baseSteps + steps, stepLimit)
  }

  /// Bytes of a text that is searched without counting steps, and PCRE2's limit of steps for all places
  /// where a match may start together.
  private static let uncountedLength = 1024
  private static let uncountedSteps = 200_000
  /// What such a search is taken for.
  private static let uncountedCost = 2_000_000

  /// - Parameter countsSteps: Whether the pattern has callouts. Others are searched in short texts only.
  /// - Returns: What pcre2_match returns: PCRE2_ERROR_CALLOUT or PCRE2_ERROR_MATCHLIMIT when no steps
  ///   are left.
  /// - Throws: `SearchInterruption.requestEnded`.
  static func run(
    _ code: OpaquePointer, countsSteps: Bool, in text: UnsafeBufferPointer<UInt8>,
    _ budget: inout SearchBudget
  ) throws -> CInt {
    let steps = min(limit(of: text.count), budget.stepsLeft)
    var search = PatternSearch(steps: steps, hasEnded: budget.hasEnded)
    let result = withUnsafeMutablePointer(to: &search) {
      run(code, countsSteps: countsSteps, in: text, $0)
    }
    budget.take(
      countsSteps ? steps - max(0, search.stepsLeft + search.stepsLater) : uncountedCost)
    // It may have ended without a match just then: what is written for nobody is a mistake.
    if search.isEnded || budget.hasEnded?() == true { throw SearchInterruption.requestEnded }
    return result
  }

  private static func run(
    _ code: OpaquePointer, countsSteps: Bool, in text: UnsafeBufferPointer<UInt8>,
    _ search: UnsafeMutablePointer<PatternSearch>
  ) -> CInt {
    guard countsSteps || text.count <= uncountedLength else { return PCRE2_ERROR_MATCHLIMIT }
    guard let context = pcre2_match_context_create_8(nil),
      let data = pcre2_match_data_create_8(1, nil)
    else { return PCRE2_ERROR_NOMEMORY }
    let stack =
      text.count > longText ? pcre2_jit_stack_create_8(32 * 1024, largeStack, nil) : nil
    defer {
      pcre2_match_data_free_8(data)
      pcre2_match_context_free_8(context)
      pcre2_jit_stack_free_8(stack)
    }
    if let stack { pcre2_jit_stack_assign_8(context, nil, UnsafeMutableRawPointer(stack)) }
    // The limit holds for each place where a match may start.
    pcre2_set_match_limit_8(
      context, countsSteps ? UInt32.max : UInt32(100 + uncountedSteps / (text.count + 1)))
    pcre2_set_heap_limit_8(context, heapLimit)
    pcre2_set_callout_8(context, countStep, search)
    let empty: [UInt8] = [0]
    return empty.withUnsafeBufferPointer { empty in
      // An empty text may have no address.
      let start = text.baseAddress ?? empty.baseAddress!
      let options = UInt32(PCRE2_NO_UTF_CHECK)
      let result = pcre2_match_8(code, start, text.count, 0, options, data, context)
      guard result == PCRE2_ERROR_JIT_STACKLIMIT else { return result }
      // The interpreter keeps what it must remember on the heap.
      return pcre2_match_8(
        code, start, text.count, 0, options | UInt32(PCRE2_NO_JIT), data, context)
    }
  }

  /// - Returns: Whether the search goes on.
  @inline(__always)
  fileprivate mutating func step(to newPosition: Int) -> Bool {
    stepsLeft -= Self.itemCost + abs(newPosition - position)
    position = newPosition
    return stepsLeft >= 0 || beginTurn()
  }

  /// - Returns: Whether there are steps left, and somebody who waits.
  @inline(never)
  private mutating func beginTurn() -> Bool {
    guard stepsLater > 0 else { return false }
    isEnded = hasEnded?() ?? false
    guard !isEnded else { return false }
    // One item may have passed over more than a turn is long.
    let steps = min(stepsLater, Self.turn - stepsLeft)
    stepsLater -= steps
    stepsLeft += steps
    return stepsLeft >= 0
  }
}

/// Called by PCRE2 before each item of a pattern; other results than 0 end the search with them.
private func countStep(
  _ block: UnsafeMutablePointer<pcre2_callout_block_8>?, _ context: UnsafeMutableRawPointer?
) -> CInt {
  guard let block, let context else { return PCRE2_ERROR_CALLOUT }
  let search = context.assumingMemoryBound(to: PatternSearch.self)
  return search.pointee.step(to: block.pointee.current_position) ? 0 : PCRE2_ERROR_CALLOUT
}
