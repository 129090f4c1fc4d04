import TerminalText
import Testing

@Suite struct TerminalTextTests {
  @Test func leavesReadableTextAlone() {
    for text in ["", "plain text", "für 日本語 👩‍👩‍👧 e\u{301}", "C:\\temp \"quoted\""] {
      #expect(TerminalText.escaped(text) == text)
    }
  }

  @Test(arguments: [
    ("\u{1B}[31mred", "\\u001b[31mred"),
    ("one\ntwo\r\n\tthree", "one\\ntwo\\r\\n\\tthree"),
    ("nul \u{0} del \u{7F} csi \u{9B}", "nul \\u0000 del \\u007f csi \\u009b"),
    ("a\u{202E}b\u{2066}c\u{200F}d\u{061C}", "a\\u202eb\\u2066c\\u200fd\\u061c"),
    ("line\u{2028}paragraph\u{2029}", "line\\u2028paragraph\\u2029"),
  ])
  func escapesWhatSteersATerminal(text: String, expected: String) {
    #expect(TerminalText.escaped(text) == expected)
  }

  @Test func everyControlIsEscapedAndNoNeighbour() {
    let directions: [UInt32] = [0x061C, 0x200E, 0x200F]
    for value in (0 as UInt32)...0x2100 {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let isControl =
        scalar.properties.generalCategory == .control || directions.contains(value)
        || (0x2028...0x202E).contains(value) || (0x2066...0x2069).contains(value)
      #expect((TerminalText.escaped(String(scalar)) != String(scalar)) == isControl, "\(value)")
    }
  }
}
