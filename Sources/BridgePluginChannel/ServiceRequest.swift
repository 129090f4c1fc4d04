package import BridgeSessions
package import BridgeTools

/// What a tool asks its host for: the functions of `CallServices`.
package enum ServiceRequest: Sendable {
  case get(String)
  case list(String)
  case set(VariableWrite)
  case setAll([VariableWrite])
  case create(NewVariable)
  case remove(String)
  /// The watch has the request's number.
  case watch([String], initial: Bool)
  /// The call has the request's number.
  case start(NestedCall)
  case whenSessionEnds

  /// A call of another tool.
  package struct NestedCall: Sendable {
    /// The tool's name.
    package var tool: String
    /// As the caller gives them, unchecked.
    package var arguments: [GivenArgument]
    /// Beside the caller's.
    package var metadata: VariableMetadata
    /// Of CLOCK_MONOTONIC, beside the caller's.
    package var deadline: Int64?
    /// Whether chunks go to the caller.
    package var isStreaming: Bool

    /// A call.
    package init(
      tool: String, arguments: [GivenArgument], metadata: VariableMetadata, deadline: Int64?,
      isStreaming: Bool
    ) {
      (self.tool, self.arguments, self.metadata) = (tool, arguments, metadata)
      (self.deadline, self.isStreaming) = (deadline, isStreaming)
    }
  }

  /// Whether the answer may take its time: a write waits until it is stored.
  package var mayBlock: Bool {
    switch self {
    case .get, .list, .watch, .whenSessionEnds: false
    case .set, .setAll, .create, .remove, .start: true
    }
  }
}

/// What a host answers to a `ServiceRequest`.
package enum ServiceReply: Sendable {
  /// It was done, and there is nothing to tell.
  case done
  case variable(VariableSnapshot)
  case variables([VariableSnapshot])
  /// A `SessionError` or a `ToolsError`.
  case failure(any Error)
}

extension FrameWriter {
  mutating func write(_ request: ServiceRequest) {
    switch request {
    case .get(let identifier):
      write(UInt8(1))
      write(identifier)
    case .list(let pattern):
      write(UInt8(2))
      write(pattern)
    case .set(let variable):
      write(UInt8(3))
      write(variable)
    case .setAll(let writes):
      write(UInt8(4))
      write(list: writes) { $0.write($1) }
    case .create(let variable):
      write(UInt8(5))
      write(variable)
    case .remove(let identifier):
      write(UInt8(6))
      write(identifier)
    case .watch(let identifiers, let initial):
      write(UInt8(7))
      write(list: identifiers) { $0.write($1) }
      write(initial)
    case .start(let call):
      write(UInt8(8))
      write(call.tool)
      write(list: call.arguments) { writer, argument in
        writer.write(argument.name)
        writer.write(argument.given)
      }
      write(call.metadata)
      write(call.deadline) { $0.write($1) }
      write(call.isStreaming)
    case .whenSessionEnds: write(UInt8(9))
    }
  }

  mutating func write(_ reply: ServiceReply) {
    switch reply {
    case .done: write(UInt8(0))
    case .variable(let variable):
      write(UInt8(1))
      write(variable)
    case .variables(let variables):
      write(UInt8(2))
      write(list: variables) { $0.write($1) }
    case .failure(let error):
      write(UInt8(3))
      write(error)
    }
  }
}

extension FrameReader {
  mutating func request() throws -> ServiceRequest {
    switch try number(UInt8.self) {
    case 1: .get(try text())
    case 2: .list(try text())
    case 3: .set(try variableWrite())
    case 4: .setAll(try list { try $0.variableWrite() })
    case 5: .create(try newVariable())
    case 6: .remove(try text())
    case 7: .watch(try list { try $0.text() }, initial: try flag())
    case 8:
      .start(
        ServiceRequest.NestedCall(
          tool: try text(),
          arguments: try list { GivenArgument(name: try $0.text(), given: try $0.toolValue()) },
          metadata: try metadata(), deadline: try optional { try $0.moment() },
          isStreaming: try flag()))
    case 9: .whenSessionEnds
    case let other: throw MalformedFrame("there is no request \(other)")
    }
  }

  mutating func reply() throws -> ServiceReply {
    switch try number(UInt8.self) {
    case 0: .done
    case 1: .variable(try variable())
    case 2: .variables(try list { try $0.variable() })
    case 3: .failure(try error())
    case let other: throw MalformedFrame("there is no reply \(other)")
    }
  }
}
