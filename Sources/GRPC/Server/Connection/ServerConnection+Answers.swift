internal import CNghttp2

/// How answers reach nghttp2.
extension ServerConnection {
  func submitResponse(_ call: ServerCall, metadata: Metadata) {
    guard let session else { return }
    call.record?.httpStatus = 200
    var provider = nghttp2_data_provider()
    provider.source.ptr = Unmanaged.passUnretained(call).toOpaque()
    provider.read_callback = readData
    // 0; NGHTTP2_ERR_DATA_EXIST and _INVALID_ARGUMENT are excluded by the call's state.
    let result: CInt
    // Which encodings are read is said once a connection, and to those that use one.
    let announces = !hasAnnouncedEncodings || call.namesEncoding
    hasAnnouncedEncodings = true
    answersBegun &+= 1
    if metadata.isEmpty && call.compressionThreshold == nil {
      let fields = announces ? FixedHeaders.announcingResponse : FixedHeaders.response
      result = nghttp2_submit_response(
        session, call.id, fields.baseAddress, fields.count, &provider)
    } else {
      var fields = HeaderFields()
      fields.add(":status", "200")
      fields.add("content-type", "application/grpc")
      if announces { fields.add("grpc-accept-encoding", MessageEncoding.accepted) }
      if call.compressionThreshold != nil { fields.add("grpc-encoding", "gzip") }
      fields.add(metadata)
      result = fields.withUnsafe { nghttp2_submit_response(session, call.id, $0, $1, &provider) }
    }
    precondition(result == 0, HTTP2Connection.text(of: result))
    setNeedsFlush()
  }

  /// A response that is nothing but headers: gRPC's Trailers-Only, or an HTTP error.
  func submitHeadersOnly(_ call: ServerCall, http status: Int, fields more: HeaderFields) {
    guard let session else { return }
    call.record?.httpStatus = status
    answersBegun &+= 1
    var fields = HeaderFields()
    fields.add(":status", String(status))
    fields.add("content-type", "application/grpc")
    fields.append(more)
    let result = fields.withUnsafe { nghttp2_submit_response(session, call.id, $0, $1, nil) }
    precondition(result == 0, HTTP2Connection.text(of: result))
    setNeedsFlush()
  }

  /// The longest list of header fields to send to the client.
  var clientHeaderListSize: Int {
    guard let session else { return 0 }
    let announced = nghttp2_session_get_remote_settings(
      session, NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE)
    return ClientHeaderList.size(announced: announced)
  }

  func resumeData(_ call: ServerCall) {
    guard let session else { return }
    // 0, or NGHTTP2_ERR_INVALID_ARGUMENT where the stream is gone already.
    nghttp2_session_resume_data(session, call.id)
    setNeedsFlush()
  }
}

/// The read callback of every response body.
private func readData(
  _ session: OpaquePointer?, _ id: Int32, _ buffer: UnsafeMutablePointer<UInt8>?, _ length: Int,
  _ flags: UnsafeMutablePointer<UInt32>?, _ source: UnsafeMutablePointer<nghttp2_data_source>?,
  _ userData: UnsafeMutableRawPointer?
) -> Int {
  Unmanaged<ServerCall>.fromOpaque(source!.pointee.ptr)._withUnsafeGuaranteedRef { call in
    guard case .bytes(let count, let isLast) = call.nextData(limit: length) else {
      return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    }
    flags!.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue
    if isLast {
      flags!.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
      if let trailers = call.responses.takeTrailers() {
        _ = trailers.withUnsafe { nghttp2_submit_trailer(session, id, $0, $1) }
      } else {
        let trailers = FixedHeaders.okTrailers
        nghttp2_submit_trailer(session, id, trailers.baseAddress, trailers.count)
      }
    }
    return count
  }
}
