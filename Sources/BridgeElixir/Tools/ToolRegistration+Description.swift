internal import BridgeProtocol
internal import BridgeTools
internal import FoundationEssentials
internal import SwiftProtobuf

extension Snakepit_Bridge_ToolRegistration {
  /// Bytes of all metadata of a tool that Elixir's registry takes, about.
  private static let metadataLimit = 2048

  /// A tool of this host, as Elixir's registry is told of it.
  init(_ tool: ToolDescription) {
    self = .with { registration in
      registration.name = tool.name
      registration.description_p = tool.description
      registration.supportsStreaming = tool.streams
      registration.parameters = tool.parameters.map { parameter in
        .with {
          $0.name = parameter.name
          $0.type = parameter.type.name
          $0.description_p = parameter.description
          $0.required = parameter.isRequired
          $0.validationJson = parameter.constraintsJSON
          if case .value(let value, let type)? = parameter.defaultValue {
            $0.defaultValue = .with {
              $0.typeURL = TypeURL.url(for: type, form: .snakepitURL, binary: false)
              $0.value = Data(value.json(as: type))
            }
          }
        }
      }
      if tool.plugin.utf8.count < Self.metadataLimit {
        registration.metadata["plugin"] = tool.plugin
      }
      if tool.isReadOnly { registration.metadata["read_only"] = "true" }
      if tool.isDestructive { registration.metadata["destructive"] = "true" }
      if tool.isIdempotent { registration.metadata["idempotent"] = "true" }
    }
  }
}
