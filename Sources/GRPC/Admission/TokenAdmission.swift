internal import Glibc
public import Logging
public import NIOCore

/// Lets in calls that carry a bearer token out of a file.
///
/// The file has one token a line; empty lines and lines that begin with `#` are skipped. Tokens are
/// what RFC 6750 section 2.1 allows: letters, digits, `-._~+/`, and `=` at the end.
///
/// A token that is no longer in the file is not valid any more, whatever became of the file: one that
/// is empty, missing or cannot be read lets nobody in, and of one with lines that are no tokens the
/// others count.
public final class TokenAdmission: CallAdmission {
  private let tokens: WatchedFiles<[BearerToken]>
  private let exemptPaths: Set<[UInt8]>

  /// Reads the file.
  ///
  /// - Parameters:
  ///   - exemptPaths: Methods that need no token, such as health checks.
  ///   - logger: Hears of tokens that were replaced, and of files that have become wrong.
  public init(
    file: String, exemptPaths: Set<String> = [], logger: Logger
  ) throws(TransportError) {
    self.exemptPaths = Set(exemptPaths.map { Array($0.utf8) })
    self.tokens = try WatchedFiles(
      [file], kind: "token", logger: logger, substitute: { BearerToken.salvage(file) }
    ) { () throws(TransportError) in
      let tokens = try BearerToken.read(file)
      if SettingsFile.isOpenToEverybody(file) {
        logger.warning("every user can read the tokens; chmod 600", metadata: ["file": "\(file)"])
      }
      return tokens
    }
  }

  /// Reads the file again whenever it changes, for as long as the event loops live.
  public func watch(on group: any EventLoopGroup) { tokens.watch(on: group.next()) }

  /// Looks at the file now; see `WatchedFiles.look`.
  func look() { tokens.look() }

  /// It asks everybody.
  public var asksForCredentials: Bool { true }

  /// Whether the method needs no token.
  public func isExempt(_ call: ArrivingCall) -> Bool {
    !exemptPaths.isEmpty && exemptPaths.contains(call.pathBytes)
  }

  /// Lets in calls with a known token, and those of exempt methods.
  ///
  /// - Throws: UNAUTHENTICATED for all others.
  public func admit(_ call: ArrivingCall) throws(RPCError) {
    let values = call.values(of: "authorization")
    if values.count == 1, let token = BearerToken.presented(in: values[0]) {
      // Every token is compared: the time tells nothing of which one nearly matched.
      var isKnown = false
      for known in tokens.value where known.matches(token) { isKnown = true }
      if isKnown { return }
    }
    if isExempt(call) { return }
    throw RPCError(
      .unauthenticated,
      values.isEmpty
        ? "this server asks for a token: send the metadata \"authorization: Bearer TOKEN\""
        : values.count > 1
          ? "the call has more than one authorization"
          : "the authorization is not a bearer token that this server knows")
  }
}

/// A token and the way to compare it.
struct BearerToken: Sendable, Hashable {
  private let bytes: [UInt8]

  /// Nil when it is not a token by RFC 6750.
  init?(_ bytes: some Collection<UInt8>) {
    let body = Array(bytes).reversed().drop { $0 == UInt8(ascii: "=") }
    guard !body.isEmpty, body.allSatisfy(Self.isAllowed) else { return nil }
    self.bytes = Array(bytes)
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "-._~+/".utf8.contains(byte)
    }
  }

  /// Whether these are the token's bytes. The time depends on their number alone.
  func matches(_ presented: some RandomAccessCollection<UInt8>) -> Bool {
    var difference = UInt(bitPattern: presented.count ^ bytes.count)
    var index = 0
    for byte in presented {
      difference |= UInt(byte ^ bytes[index])
      index = index + 1 == bytes.count ? 0 : index + 1
    }
    return difference == 0
  }

  /// What stands after `Bearer` in the value of an authorization header; nil for other schemes,
  /// whose names are compared without case (RFC 9110 section 11.1).
  static func presented(in value: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    let scheme: StaticString = "bearer "
    guard value.count > scheme.utf8CodeUnitCount,
      value.withUnsafeBytes({
        strncasecmp($0.baseAddress!, scheme.utf8Start, scheme.utf8CodeUnitCount) == 0
      })
    else { return nil }
    return value.dropFirst(scheme.utf8CodeUnitCount).drop { $0 == UInt8(ascii: " ") }
  }

  /// What a call carries as `authorization`.
  var authorization: String { "Bearer \(String(decoding: bytes, as: UTF8.self))" }

  /// The tokens of a file that has at least one, and nothing wrong.
  static func read(_ file: String) throws(TransportError) -> [BearerToken] {
    let (tokens, wrongLine) = try scan(file)
    if let wrongLine {
      throw TransportError(
        "line \(wrongLine) of the token file \(file) is not a token: letters, digits and -._~+/ "
          + "are allowed, = at the end")
    }
    guard !tokens.isEmpty else { throw TransportError("the token file \(file) contains no token") }
    return tokens
  }

  /// What tokens there are in a file, whatever is wrong with it.
  static func salvage(_ file: String) -> [BearerToken] { (try? scan(file))?.tokens ?? [] }

  private static func scan(
    _ file: String
  ) throws(TransportError) -> (tokens: [BearerToken], wrongLine: Int?) {
    let bytes = try SettingsFile.read(file, kind: "token")
    var tokens: [BearerToken] = []
    var wrongLine: Int?
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0D }
      let start = line.drop(while: isSpace)
      if start.isEmpty || start.first == UInt8(ascii: "#") { continue }
      let end = start.lastIndex { !isSpace($0) } ?? start.startIndex
      if let token = BearerToken(start[...end]) {
        tokens.append(token)
      } else if wrongLine == nil {
        wrongLine = index + 1
      }
    }
    return (tokens, wrongLine)
  }
}

extension Metadata {
  /// Adds the first token of a file in the form that `TokenAdmission` reads, for a server that asks
  /// for one: `authorization: Bearer TOKEN`.
  ///
  /// - Throws: When the file cannot be read or has no token.
  public mutating func addToken(fromFile file: String) throws(TransportError) {
    add(try BearerToken.read(file)[0].authorization, for: "authorization")
  }
}
