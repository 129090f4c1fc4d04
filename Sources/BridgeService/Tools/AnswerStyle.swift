internal import BridgeProtocol
internal import BridgeTools
internal import GRPC
internal import GRPCProtobuf
internal import JSON
public import BridgeSessions

/// How calls of tools are answered, where kinds of clients want it otherwise.
public struct AnswerStyle: Sendable {
  /// Whether all that goes wrong with ExecuteTool is an answer with `success` false, a deadline that passes
  /// included, and never a status: some clients end the whole process for a status.
  public var failsInAnswers = false
  /// Whether `error_message` is a JSON object with `type` and `message`.
  public var describesErrorsInJSON = false
  /// Whether a success has a `result` in any case: JSON null, where there is none or it is bytes.
  public var alwaysHasResult = false
  /// Whether the last chunk of a stream has the result. Otherwise that is a chunk like others, and an
  /// empty last one follows: some clients do not read the last one. Their chunks are JSON in any case.
  public var endsStreamsWithResult = true
  /// The family of type URLs for those who name none.
  public var form: WireForm = []
  /// Whether RegisterVariable replaces a variable that is there.
  public var replacesVariables = false

  /// What serves clients of any kind.
  public init() {}

  /// As this, for an RPC whose clients are told of failures in answers.
  var inAnswers: AnswerStyle {
    var style = self
    style.failsInAnswers = true
    style.alwaysHasResult = true
    return style
  }

  /// The result of a success that has none, in a form that all clients read: a map that is null.
  static let nullResult = (typeURL: "type.googleapis.com/snakepit.map", json: Array("null".utf8))

  /// What `error_message` says of a failure.
  func text(of failure: ToolFailure) -> String {
    guard describesErrorsInJSON else { return failure.message }
    return JSON.object([
      .init(key: "type", value: .string(failure.type)),
      .init(key: "message", value: .string(failure.message)),
    ]).text
  }
}

extension ToolFailure {
  /// A call that could not begin, as a failure of it.
  init(refusal error: RPCError) {
    let info = error.details(as: Google_Rpc_ErrorInfo.self).first
    let reason = info?.reason ?? error.code.name
    self.init(
      code: error.code.rawValue, message: error.message, type: reason.lowercased(),
      isRetryable: error.isTransient)
  }
}
