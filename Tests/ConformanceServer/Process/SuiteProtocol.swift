import ArgumentParser
import GRPC
import Glibc
import SwiftProtobuf

/// The side of the suite's server protocol that a server under test has: messages on standard
/// input and output, each behind its length in four bytes, in network order.
enum SuiteProtocol {
  static func serve() throws {
    guard let bytes = readMessage() else {
      throw ValidationError("standard input ends before a ServerCompatRequest")
    }
    let request = try Connectrpc_Conformance_V1_ServerCompatRequest(serializedBytes: bytes)
    let limit = Int(request.messageReceiveLimit)
    // The server looks at its files for as long as it runs.
    let files = try TemporaryFiles()
    let (server, port) = try ConformanceServer.start(
      port: 0, requestLimit: limit > 0 ? limit : ConformanceService.requestLimit,
      security: try security(of: request, files))
    let response = Connectrpc_Conformance_V1_ServerCompatResponse.with {
      $0.host = "127.0.0.1"
      $0.port = UInt32(port)
      if request.useTls { $0.pemCert = request.serverCreds.cert }
    }
    write(try response.serializedBytes())
    while readByte() != nil {}
    server.shutDown(grace: .seconds(1))
    withExtendedLifetime(files) {}
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

  private static func readMessage() -> [UInt8]? {
    guard let prefix = readBytes(4) else { return nil }
    return readBytes(prefix.reduce(0) { $0 << 8 | Int($1) })
  }

  private static func readBytes(_ count: Int) -> [UInt8]? {
    var bytes: [UInt8] = []
    while bytes.count < count {
      guard let byte = readByte() else { return nil }
      bytes.append(byte)
    }
    return bytes
  }

  private static func readByte() -> UInt8? {
    var byte: UInt8 = 0
    return read(STDIN_FILENO, &byte, 1) == 1 ? byte : nil
  }

  /// A pipe takes so few bytes in one piece (POSIX.1-2017, write: PIPE_BUF).
  private static func write(_ message: [UInt8]) {
    let length = UInt32(message.count)
    let framed = stride(from: 24, through: 0, by: -8).map {
      UInt8(truncatingIfNeeded: length >> $0)
    }
    let bytes = framed + message
    precondition(Glibc.write(STDOUT_FILENO, bytes, bytes.count) == bytes.count)
  }
}
