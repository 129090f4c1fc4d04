/// The rule for names of plugins, tools and parameters.
public enum ToolName {
  /// The rule in words, for messages.
  public static let rule = "1 to 128 letters, digits, \"_\", \".\" or \"-\""

  /// Whether a text is a name: 1 to 128 bytes of `[A-Za-z0-9_.-]`.
  public static func isValid(_ name: String) -> Bool {
    (1...128).contains(name.utf8.count)
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
          UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }
}
