import Glibc
import Logging
import Testing
import Threads

@testable import GRPC

@Suite struct TransportTests {
  private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  @Test(arguments: [
    ("127.0.0.1:50051", ServerAddress.tcp(host: "127.0.0.1", port: 50_051)),
    ("localhost:0", .tcp(host: "localhost", port: 0)),
    ("[::1]:1", .tcp(host: "::1", port: 1)),
    ("unix:/run/a b:1.sock", .unix(path: "/run/a b:1.sock")),
    ("unix:///run/a", .unix(path: "/run/a")),
    ("unix:a", .unix(path: "a")),
  ])
  func addressesAreRead(text: String, address: ServerAddress) throws {
    #expect(try ServerAddress(parsing: text) == address)
  }

  @Test(arguments: [
    "", "50051", ":50051", "host:", "host:65536", "host:-1", "host:+1", "host:1x", "::1:50051",
    "[::1]", "[]:1", "unix:", "unix://", "unix://a",
  ])
  func othersAreNot(text: String) {
    #expect(throws: TransportError.self) { try ServerAddress(parsing: text) }
  }

  @Test(arguments: [
    ("127.0.0.1:1", true), ("127.9.9.9:1", true), ("localhost:1", true), ("[::1]:1", true),
    ("unix:/a", true), ("0.0.0.0:1", false), ("[::]:1", false), ("127.example.com:1", false),
    ("127.0.0.1.example.com:1", false), ("127.0.0.256:1", false), ("10.0.0.1:1", false),
    ("localhost.example.com:1", false), ("[::ffff:127.0.0.1]:1", false),
  ])
  func localAddressesAreTold(text: String, isLocal: Bool) throws {
    let address = try ServerAddress(parsing: text)
    #expect(address.isLocal == isLocal)
    #expect(address.description == text)
  }

  @Test func secretsAreForThisUserAndRoot() {
    #expect(UnixSocket.distrust(of: 0) == nil)
    #expect(UnixSocket.distrust(of: geteuid()) == nil)
    #expect(UnixSocket.distrust(of: geteuid() + 1)?.contains("\(geteuid() + 1)") == true)
    #expect(UnixSocket.distrust(of: nil) != nil)
  }

  @Test func socketsAreConnectedForThisProcessAlone() throws {
    let path = "/tmp/bridge-connect-\(getpid()).sock"
    let (listener, file) = try UnixSocket.bind(path: path, permissions: 0o600)
    defer {
      file.remove()
      close(listener)
    }
    let refused = #expect(throws: TransportError.self) {
      try UnixSocket.connect(path: path, requiresOwner: true)
    }
    #expect(refused?.message == "Connection refused")
    #expect(Glibc.listen(listener, 1) == 0)
    let descriptor = try UnixSocket.connect(path: path, requiresOwner: true)
    #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
    #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0)
    close(descriptor)
    #expect(throws: TransportError.self) {
      try UnixSocket.connect(path: path + ".none", requiresOwner: false)
    }
  }

  /// A server that has no room for one more connection is a server.
  @Test func theSocketOfABusyServerIsNotTaken() throws {
    let path = "/tmp/bridge-busy-\(getpid()).sock"
    let (listener, file) = try UnixSocket.bind(path: path, permissions: 0o600)
    try #require(Glibc.listen(listener, 0) == 0)
    var waiting: [CInt] = []
    // Nobody accepts them.
    while let descriptor = try? UnixSocket.connect(path: path, requiresOwner: false) {
      waiting.append(descriptor)
      try #require(waiting.count < 100)
    }
    let error = #expect(throws: TransportError.self) {
      try UnixSocket.bind(path: path, permissions: 0o600)
    }
    #expect(error?.message == "cannot listen on unix:\(path): a running server listens there")
    for descriptor in waiting { close(descriptor) }
    // Another file in its place is not removed with it.
    unlink(path)
    let (next, _) = try UnixSocket.bind(path: path, permissions: 0o640)
    file.remove()
    var status = stat()
    #expect(lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o640)
    close(listener)
    close(next)
    // What nobody listens on any more is replaced.
    let (last, lastFile) = try UnixSocket.bind(path: path, permissions: 0o600)
    #expect(lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    lastFile.remove()
    #expect(lstat(path, &status) != 0)
    close(last)
  }

  @Test func tokensAreCompared() throws {
    let token = try #require(BearerToken("s3cret-token".utf8))
    #expect(token.matches(Array("s3cret-token".utf8)))
    for wrong in [
      "", "s", "s3cret-toke", "s3cret-tokeN", "S3cret-token", "s3cret-token-", "s3cret-tokens",
      "s3cret-tokens3cret-token",
    ] {
      #expect(!token.matches(Array(wrong.utf8)), "\(wrong)")
    }
  }

  @Test(arguments: ["", "=", "a b", "a=b", "ä", "a,b", "a\"b"])
  func whatIsNoTokenIsRefused(text: String) {
    #expect(BearerToken(text.utf8) == nil)
  }

  @Test func schemesAreCutOff() {
    func presented(_ value: String) -> String? {
      BearerToken.presented(in: Array(value.utf8)[...]).map { String(decoding: $0, as: UTF8.self) }
    }
    #expect(presented("Bearer abc") == "abc")
    #expect(presented("bEARER   abc") == "abc")
    #expect(presented("Bearer") == nil)
    #expect(presented("Bearer ") == nil)
    #expect(presented("Basic abcdef") == nil)
    #expect(presented("") == nil)
  }

  @Test func tokenFilesHaveCommentsAndBlankLines() throws {
    let file = try TemporaryFile("# clients\n\n  one== \r\ntwo\n#three\n")
    #expect(try BearerToken.read(file.path).count == 2)
    #expect(try BearerToken.read(file.path)[0].matches(Array("one==".utf8)))
  }

  @Test(arguments: [
    ("", "contains no token"), ("# nothing\n\n", "contains no token"), ("a\nb c\n", "line 2"),
  ])
  func wrongTokenFilesSaySo(content: String, part: String) throws {
    let file = try TemporaryFile(content)
    let error = #expect(throws: TransportError.self) { try BearerToken.read(file.path) }
    #expect(error?.message.contains(part) == true)
    #expect(error?.message.contains(file.path) == true)
  }

  /// Who gets in with "one" and with "two", once the file has been looked at.
  private func admitted(_ admission: TokenAdmission) -> [String] {
    for _ in 0..<2 { admission.look() }
    return ["one", "two"].filter { token in
      let call = ArrivingCall(
        pathBytes: [], fields: Array("authorization\0Bearer \(token)\0".utf8),
        peer: Peer(address: nil, certificate: nil))
      do throws(RPCError) {
        try admission.admit(call)
        return true
      } catch {
        return false
      }
    }
  }

  @Test func tokensThatAreNotInTheFileAreNotValid() throws {
    let file = try TemporaryFile("one\ntwo\n")
    let admission = try TokenAdmission(file: file.path, logger: Self.quiet)
    #expect(admitted(admission) == ["one", "two"])
    try file.write("t w o\none\n")  // a mistake
    #expect(admitted(admission) == ["one"])
    try file.write("")
    #expect(admitted(admission) == [])
    try file.write("two\n")
    #expect(admitted(admission) == ["two"])
    unlink(file.path)
    #expect(admitted(admission) == [])
    try file.write("one\n# nobody else\n")
    #expect(admitted(admission) == ["one"])
    // Something else in its place, which cannot be read.
    unlink(file.path)
    mkdir(file.path, 0o700)
    #expect(admitted(admission) == [])
    rmdir(file.path)
    try file.write("two\n")
    #expect(admitted(admission) == ["two"])
  }

  /// What is wrong may come right without a change of the files: a full table of descriptors.
  @Test func filesThatAreWrongAreReadAgain() throws {
    let file = try TemporaryFile("one")
    let isShort = Locked(false)
    let watched = try WatchedFiles([file.path], kind: "text", logger: Self.quiet) {
      () throws(TransportError) in
      if isShort.withLock({ $0 }) { throw TransportError("no descriptors") }
      return String(decoding: try SettingsFile.read(file.path, kind: "text"), as: UTF8.self)
    }
    isShort.withLock { $0 = true }
    try file.write("two!")
    for _ in 0..<3 { watched.look() }
    #expect(watched.value == "one")
    isShort.withLock { $0 = false }
    watched.look()
    #expect(watched.value == "two!")
  }

  @Test func changedFilesAreTakenOverWhenTheyRest() throws {
    let file = try TemporaryFile("one")
    let watched = try WatchedFiles([file.path], kind: "text", logger: Self.quiet) {
      () throws(TransportError) in
      let text = String(decoding: try SettingsFile.read(file.path, kind: "text"), as: UTF8.self)
      if text == "wrong" { throw TransportError("wrong") }
      return text
    }
    watched.look()
    #expect(watched.value == "one")
    try file.write("other")
    watched.look()
    #expect(watched.value == "one")
    watched.look()
    #expect(watched.value == "other")
    try file.write("wrong")
    for _ in 0..<3 { watched.look() }
    #expect(watched.value == "other")
    try file.write("again")
    for _ in 0..<2 { watched.look() }
    #expect(watched.value == "again")
    unlink(file.path)
    for _ in 0..<3 { watched.look() }
    #expect(watched.value == "again")
  }

  @Test func commonNamesAreFoundInCertificates() {
    func element(_ tag: UInt8, _ parts: [UInt8]...) -> [UInt8] {
      let content = parts.flatMap { $0 }
      let length: [UInt8] =
        content.count < 0x80
        ? [UInt8(content.count)] : [0x82, UInt8(content.count >> 8), UInt8(content.count & 255)]
      return [tag] + length + content
    }
    func name(_ entries: (object: [UInt8], text: String)...) -> [UInt8] {
      let sets = entries.map {
        element(0x31, element(0x30, element(0x06, $0.object), element(0x0C, Array($0.text.utf8))))
      }
      return element(0x30, sets.flatMap { $0 })
    }
    func certificate(subject: [UInt8]) -> [UInt8] {
      element(
        0x30,
        element(
          0x30, element(0xA0, element(0x02, [2])), element(0x02, [1]), element(0x30),
          name((Self.commonName, "issuer")), element(0x30), subject))
    }
    let organization: [UInt8] = [0x55, 0x04, 0x0A]
    let long = String(repeating: "x", count: 300)
    #expect(
      DERCertificate.commonName(
        of: certificate(subject: name((organization, long), (Self.commonName, "client"))))
        == "client")
    #expect(
      DERCertificate.commonName(
        of: certificate(subject: name((Self.commonName, "a"), (Self.commonName, "b")))) == "b")
    #expect(DERCertificate.commonName(of: certificate(subject: name())) == nil)
    let whole = certificate(subject: name((Self.commonName, "client")))
    for length in 0..<whole.count {
      #expect(DERCertificate.commonName(of: Array(whole[..<length])) == nil)
    }
  }

  @Test func filesOfTLSAreNamedWhenTheyAreMissing() {
    let identity = TLSConfiguration.Identity(certificateFile: "/no/chain", keyFile: "/no/key")
    func message(_ body: () throws(TransportError) -> TLSContext) -> String? {
      #expect(throws: TransportError.self) { try body() }?.message
    }
    #expect(
      message { () throws(TransportError) in try .client(TLSConfiguration(authorityFile: "/no/ca"))
      }
        == "the authority file /no/ca cannot be read: No such file or directory")
    #expect(
      message { () throws(TransportError) in try .server(TLSConfiguration(identity: identity)) }
        == "the certificate file /no/chain cannot be read: No such file or directory")
    #expect(
      message { () throws(TransportError) in try .server(TLSConfiguration()) }
        == "a TLS server needs a certificate and a key")
  }

  private static let commonName: [UInt8] = [0x55, 0x04, 0x03]

  /// What a server says of the certificate it was shown, or not.
  @Test(arguments: [
    ("TLSV1_ALERT_CERTIFICATE_REQUIRED", "the peer asks for a certificate"),
    ("TLSV1_ALERT_UNKNOWN_CA", "the peer does not trust the authority"),
    ("SSLV3_ALERT_CERTIFICATE_UNKNOWN", "the peer does not accept the certificate it was shown"),
    ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "the peer was shown a certificate that has expired"),
    ("TLSV1_ALERT_NO_APPLICATION_PROTOCOL", "the peer does not offer h2 by ALPN"),
    ("SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_BAD_CERTIFICATE"),
  ])
  func alertsAreRead(name: String, beginning: String) {
    let description = "Error: 1 error:10000458:SSL routines:OPENSSL_internal:\(name) at /a/b.cc:12"
    #expect(TLSFailure.text(of: description).hasPrefix(beginning))
  }

  @Test func callsCarryTheFirstTokenOfAFile() throws {
    let file = try TemporaryFile("# clients\n\none==\ntwo\n")
    var metadata = Metadata()
    try metadata.addToken(fromFile: file.path)
    #expect(metadata.values(for: "authorization") == ["Bearer one=="])
    #expect(throws: TransportError.self) { try metadata.addToken(fromFile: "/no/tokens") }
  }

  @Test func errorsOfTLSAreCutToTheirReason() {
    #expect(
      TLSFailure.text(
        of: "Error: 268435703 error:100000f7:SSL routines:OPENSSL_internal:NO_SHARED_CIPHER at "
          + "/a/b.cc:12") == "NO_SHARED_CIPHER")
    #expect(TLSFailure.text(of: "Error:  EOF during handshake") == "EOF during handshake")
  }
}
