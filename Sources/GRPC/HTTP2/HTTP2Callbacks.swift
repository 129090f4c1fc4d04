internal import CNghttp2
internal import NIOCore

/// The C functions nghttp2 calls, and the table that names them.
///
/// They are file-scope functions: a closure would carry the isolation of where it was written.
/// `userData` is the connection, which outlives its session.
enum HTTP2Callbacks {
  /// Made once, never freed; a session copies it.
  nonisolated(unsafe) static let table: OpaquePointer = {
    var callbacks: OpaquePointer?
    // 0 or NGHTTP2_ERR_NOMEM.
    precondition(nghttp2_session_callbacks_new(&callbacks) == 0, "out of memory")
    let table = callbacks!
    nghttp2_session_callbacks_set_on_begin_headers_callback(table, onBeginHeaders)
    nghttp2_session_callbacks_set_on_header_callback(table, onHeader)
    nghttp2_session_callbacks_set_on_frame_recv_callback(table, onFrameReceived)
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table, onDataChunk)
    nghttp2_session_callbacks_set_on_frame_send_callback(table, onFrameSent)
    nghttp2_session_callbacks_set_on_frame_not_send_callback(table, onFrameNotSent)
    nghttp2_session_callbacks_set_on_stream_close_callback(table, onStreamClose)
    nghttp2_session_callbacks_set_send_data_callback(table, onSendData)
    nghttp2_session_callbacks_set_data_source_read_length_callback(table, onReadLength)
    return table
  }()
}

@inline(__always)
private func withConnection<Result>(
  _ userData: UnsafeMutableRawPointer?, _ body: (HTTP2Connection) -> Result
) -> Result {
  Unmanaged<HTTP2Connection>.fromOpaque(userData!)._withUnsafeGuaranteedRef(body)
}

private func onBeginHeaders(
  _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?,
  _ userData: UnsafeMutableRawPointer?
) -> CInt {
  withConnection(userData) { connection in
    guard frame!.pointee.hd.type == NGHTTP2_HEADERS.rawValue else { return 0 }
    if frame!.pointee.headers.cat == NGHTTP2_HCAT_REQUEST {
      connection.headersBegan(stream: frame!.pointee.hd.stream_id)
    } else {
      connection.moreHeadersBegan()
    }
    return 0
  }
}

private func onHeader(
  _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?,
  _ name: UnsafePointer<UInt8>?, _ nameLength: Int,
  _ value: UnsafePointer<UInt8>?, _ valueLength: Int,
  _ flags: UInt8, _ userData: UnsafeMutableRawPointer?
) -> CInt {
  withConnection(userData) { connection in
    connection.headerReceived(
      stream: nghttp2_session_get_stream_user_data(session, frame!.pointee.hd.stream_id),
      name: UnsafeRawBufferPointer(start: name, count: nameLength),
      value: UnsafeRawBufferPointer(start: value, count: valueLength))
    return 0
  }
}

private func onFrameReceived(
  _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?,
  _ userData: UnsafeMutableRawPointer?
) -> CInt {
  withConnection(userData) { connection in
    let id = frame!.pointee.hd.stream_id
    connection.frameReceived(
      frame!, stream: id == 0 ? nil : nghttp2_session_get_stream_user_data(session, id))
    // Stops at once, with whatever else has been read already.
    return connection.isDisconnecting ? NGHTTP2_ERR_CALLBACK_FAILURE.rawValue : 0
  }
}

private func onDataChunk(
  _ session: OpaquePointer?, _ flags: UInt8, _ id: Int32, _ data: UnsafePointer<UInt8>?,
  _ length: Int, _ userData: UnsafeMutableRawPointer?
) -> CInt {
  withConnection(userData) { connection in
    connection.dataEndsStream = flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
    connection.dataReceived(
      stream: nghttp2_session_get_stream_user_data(session, id), id: id,
      bytes: UnsafeRawBufferPointer(start: data, count: length))
    return 0
  }
}

private func onFrameSent(
  _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?,
  _ userData: UnsafeMutableRawPointer?
) -> CInt {
  let header = frame!.pointee.hd
  if header.type == NGHTTP2_RST_STREAM.rawValue {
    return withConnection(userData) { connection in
      connection.resetSent(errorCode: frame!.pointee.rst_stream.error_code)
      return connection.isDisconnecting ? NGHTTP2_ERR_CALLBACK_FAILURE.rawValue : 0
    }
  }
  if header.type == NGHTTP2_GOAWAY.rawValue {
    withConnection(userData) { $0.goAwaySent() }
    return 0
  }
  guard header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0,
    header.type == NGHTTP2_HEADERS.rawValue || header.type == NGHTTP2_DATA.rawValue
  else { return 0 }
  return withConnection(userData) { connection in
    connection.sentEndOfStream(
      stream: nghttp2_session_get_stream_user_data(session, header.stream_id),
      id: header.stream_id)
    return 0
  }
}

private func onFrameNotSent(
  _ session: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ errorCode: CInt,
  _ userData: UnsafeMutableRawPointer?
) -> CInt {
  let header = frame!.pointee.hd
  if header.type == NGHTTP2_HEADERS.rawValue, header.stream_id != 0 {
    withConnection(userData) { connection in
      connection.headersNotSent(
        stream: nghttp2_session_get_stream_user_data(session, header.stream_id),
        id: header.stream_id, errorCode: errorCode)
    }
  }
  return 0
}

private func onStreamClose(
  _ session: OpaquePointer?, _ id: Int32, _ errorCode: UInt32,
  _ userData: UnsafeMutableRawPointer?
) -> CInt {
  withConnection(userData) { connection in
    connection.streamClosed(
      stream: nghttp2_session_get_stream_user_data(session, id), errorCode: errorCode)
    return 0
  }
}

/// Called for DATA frames whose read callback set NGHTTP2_DATA_FLAG_NO_COPY. One call of
/// `nghttp2_session_mem_send` makes as many of them as the windows allow: this stops it when a write
/// is full, and nghttp2 asks for the same frame again.
private func onSendData(
  _ session: OpaquePointer?, _ frame: UnsafeMutablePointer<nghttp2_frame>?,
  _ frameHeader: UnsafePointer<UInt8>?, _ length: Int,
  _ source: UnsafeMutablePointer<nghttp2_data_source>?, _ userData: UnsafeMutableRawPointer?
) -> CInt {
  withConnection(userData) { connection in
    if connection.output.readableBytes >= HTTP2Connection.writeSize {
      return NGHTTP2_ERR_WOULDBLOCK.rawValue
    }
    _ = connection.output.writeBytes(UnsafeRawBufferPointer(start: frameHeader, count: 9))
    connection.writeData(length, of: source!.pointee.ptr)
    return 0
  }
}

/// The largest DATA payload we make, as far as the peer's SETTINGS_MAX_FRAME_SIZE and windows let
/// us: big messages go out in few frames, and calls still alternate.
private let largestDataPayload = 64 * 1024

private func onReadLength(
  _ session: OpaquePointer?, _ frameType: UInt8, _ id: Int32,
  _ sessionWindow: Int32, _ streamWindow: Int32, _ maxFrameSize: UInt32,
  _ userData: UnsafeMutableRawPointer?
) -> Int {
  max(1, min(largestDataPayload, Int(maxFrameSize), Int(sessionWindow), Int(streamWindow)))
}
