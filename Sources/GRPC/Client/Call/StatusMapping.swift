internal import CNghttp2

/// What stands for a status where a server sent none.
extension StatusCode {
  /// - Parameter http: The status of a response that carries no `grpc-status`.
  ///
  /// Source: https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
  init(http status: Int) {
    self =
      switch status {
      case 400: .internalError
      case 401: .unauthenticated
      case 403: .permissionDenied
      case 404: .unimplemented
      case 429, 502, 503, 504: .unavailable
      default: .unknown
      }
  }

  /// - Parameter errorCode: Of the RST_STREAM frame that ended a call.
  ///
  /// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md (Errors)
  init(resetWith errorCode: UInt32) {
    self =
      switch nghttp2_error_code(errorCode) {
      case NGHTTP2_REFUSED_STREAM: .unavailable
      case NGHTTP2_CANCEL: .cancelled
      case NGHTTP2_ENHANCE_YOUR_CALM: .resourceExhausted
      case NGHTTP2_INADEQUATE_SECURITY: .permissionDenied
      case NGHTTP2_HTTP_1_1_REQUIRED, NGHTTP2_STREAM_CLOSED: .unknown
      default: errorCode <= NGHTTP2_HTTP_1_1_REQUIRED.rawValue ? .internalError : .unknown
      }
  }
}
