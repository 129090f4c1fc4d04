import Testing

@testable import BridgeElixir

@Suite struct SpanContextTests {
  private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
  private static let span = "00f067aa0ba902b7"

  @Test func itIsReadAndWritten() throws {
    for (flags, isSampled) in [("01", true), ("00", false), ("03", true)] {
      let context = try #require(
        SpanContext(traceparent: "00-\(Self.trace)-\(Self.span)-\(flags)"))
      #expect(context.isSampled == isSampled)
      #expect(context.text == "00-\(Self.trace)-\(Self.span)-\(isSampled ? "01" : "00")")
    }
    // What a later version has behind it.
    #expect(SpanContext(traceparent: "01-\(Self.trace)-\(Self.span)-01-more") != nil)
  }

  @Test(arguments: [
    "", "00", "00-\(trace)-\(span)", "00-\(trace)-\(span)-01-more", "ff-\(trace)-\(span)-01",
    "00-\(trace)0-\(span)-01", "00-\(trace)-\(span)-1", "00-\(trace.uppercased())-\(span)-01",
    "00-00000000000000000000000000000000-\(span)-01", "00-\(trace)-0000000000000000-01",
    "0x-\(trace)-\(span)-01",
  ])
  func whatIsMalformedIsNone(text: String) { #expect(SpanContext(traceparent: text) == nil) }

  @Test func aChildIsOfTheSameTrace() throws {
    let outer = try #require(SpanContext(traceparent: "00-\(Self.trace)-\(Self.span)-00"))
    let child = outer.child()
    #expect(child.traceID == outer.traceID && child.spanID != outer.spanID)
    #expect(!child.isSampled)
  }

  @Test func oneIDMakesOneTrace() {
    let first = SpanContext.root(joinedBy: "work-1")
    #expect(first.traceID == SpanContext.root(joinedBy: "work-1").traceID)
    #expect(first.traceID != SpanContext.root(joinedBy: "work-2").traceID)
    #expect(first.spanID != SpanContext.root(joinedBy: "work-1").spanID)
    #expect(SpanContext.root(joinedBy: "").traceID != SpanContext.root(joinedBy: "").traceID)
    #expect(SpanContext.root(joinedBy: Self.trace).text.contains(Self.trace))
  }
}
