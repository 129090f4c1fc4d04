internal import NIOCore

/// What is made of a request's headers.
extension ServerConnection {
  func headersEnded(_ call: ServerCall) {
    // Taken out and put back: a copy would retain what it holds.
    var request = RequestHead()
    swap(&request, &head)
    defer { swap(&request, &head) }
    guard request.listSize <= limits.headerListSize else {
      call.fail(
        RPCError(
          .resourceExhausted,
          "headers of \(request.listSize) bytes are over the limit of \(limits.headerListSize)"))
      return
    }
    guard request.isPost else { return call.reject(http: 405, "gRPC calls are POST requests") }
    guard request.isGRPC else {
      return call.reject(http: 415, "content-type must be application/grpc")
    }
    if !admission.isEmpty {
      let arriving = ArrivingCall(pathBytes: request.path, fields: request.fields, peer: peer)
      if let refusal = refusal(of: arriving) { return call.fail(refusal) }
      if !isAuthenticated, !admission.contains(where: { $0.isExempt(arriving) }) {
        authenticated()
        call.requests.messageLimit = limits.messageSize
      }
    }
    guard let method = method(for: request.path) else {
      let path = String(decoding: request.path, as: UTF8.self)
      call.record?.unknownPath = request.path
      call.fail(RPCError(.unimplemented, "unknown method \(path)"))
      return
    }
    call.method = method
    call.requests.messageLimit = min(call.requests.messageLimit, method.requestLimit)
    call.acceptsGzip = request.acceptsGzip
    do throws(RPCError) {
      try check(request, of: call)
      if !request.fields.isEmpty { call.callMetadata = try metadata(request.fields) }
      if request.hasTimeout {
        if method.ignoresDeadline {
          call.ignoredDeadline = deadline(after: request.timeout)
        } else {
          try setDeadline(request.timeout, of: call)
          try call.checkDeadline()
        }
      }
      if case .handler(let factory) = method.implementation { call.handler = try factory(call) }
    } catch {
      call.fail(error)
    }
  }

  private func refusal(of arriving: ArrivingCall) -> RPCError? {
    do throws(RPCError) {
      for admission in admission { try admission.admit(arriving) }
      return nil
    } catch {
      return error
    }
  }

  private func check(_ request: RequestHead, of call: ServerCall) throws(RPCError) {
    let encoding = request.encoding
    if !encoding.isEmpty {
      call.namesEncoding = true
      switch MessageEncoding(encoding) {
      case .identity: break
      case .gzip: call.requests.allowCompressed()
      case nil:
        throw RPCError(
          .unimplemented,
          "grpc-encoding \"\(String(decoding: encoding, as: UTF8.self))\" is not supported")
      }
    }
    if request.hasBinaryMetadata {
      for entry in MetadataFields.metadata(of: request.fields).entries
      where entry.key.utf8.suffix(4).elementsEqual("-bin".utf8) {
        _ = try entry.binaryValues()
      }
    }
  }

  /// The metadata to keep for a call.
  private func metadata(_ fields: [UInt8]) throws(RPCError) -> CallMetadata {
    if let lastMetadata, lastMetadata.fields.hasSameBytes(as: fields) { return lastMetadata }
    // It may be the connection alone that still keeps it.
    lastMetadata = nil
    guard
      metadataAccount.byteCount + fields.count <= max(limits.metadataBytes, limits.headerListSize)
    else {
      throw RPCError(
        .resourceExhausted,
        "the open calls of this connection have \(metadataAccount.byteCount) bytes of metadata",
        isTransient: true)
    }
    let metadata = CallMetadata(fields, account: metadataAccount)
    lastMetadata = metadata
    return metadata
  }

  private func method(for path: [UInt8]) -> ServedMethod? {
    if path.hasSameBytes(as: lastPath) { return lastMethod }
    let method = methods[path]
    if method != nil {
      lastPath = path
      lastMethod = method
    }
    return method
  }
}
