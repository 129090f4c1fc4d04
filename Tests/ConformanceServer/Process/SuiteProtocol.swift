internal import ArgumentParser
internal import ConformanceSupport
internal import GRPC

/// What `connectconformance --mode server` expects of a server under test: one message on standard
/// input says what to serve, one on standard output says where. The suite closes standard input at
/// once, and ends the server by SIGTERM.
enum SuiteProtocol {
  static func serve() throws {
    EndingSignals.hold()
    guard
      let request = try SuiteMessages.read(Connectrpc_Conformance_V1_ServerCompatRequest.self)
    else { throw ValidationError("standard input ends before a ServerCompatRequest") }
    let limit = Int(request.messageReceiveLimit)
    // The server looks at its files for as long as it runs.
    let files = try TemporaryFiles()
    defer { files.remove() }
    let (server, port) = try ConformanceServer.start(
      port: 0, requestLimit: limit > 0 ? limit : ConformanceService.requestLimit,
      security: try security(of: request, files))
    try SuiteMessages.write(
      Connectrpc_Conformance_V1_ServerCompatResponse.with {
        $0.host = "127.0.0.1"
        $0.port = UInt32(port)
        if request.useTls { $0.pemCert = request.serverCreds.cert }
      })
    EndingSignals.wait()
    // First: the suite kills who takes long to end.
    files.remove()
    server.shutDown(grace: .seconds(1))
  }

  private static func security(
    of request: Connectrpc_Conformance_V1_ServerCompatRequest, _ files: TemporaryFiles
  ) throws -> TransportSecurity {
    guard request.useTls else { return .plaintext }
    guard request.hasServerCreds else {
      throw ValidationError("use_tls without server_creds: this server makes no certificates")
    }
    var tls = TLSConfiguration(
      identity: .init(
        certificateFile: try files.add("server.pem", Array(request.serverCreds.cert)),
        keyFile: try files.add("server.key", Array(request.serverCreds.key))))
    if !request.clientTlsCert.isEmpty {
      tls.authorityFile = try files.add("clients.pem", Array(request.clientTlsCert))
    }
    return .tls(tls)
  }
}
