internal import BridgeSessions
package import BridgeTools
package import Logging

/// What the child process of a plugin tells its host.
package enum ChildMessage: Sendable {
  /// The plugin is loaded and has started.
  case loaded(LoadedPlugin)
  /// The plugin cannot be loaded, and why; the child ends.
  case refused(String)
  case progress(call: UInt64, Double, String)
  /// A chunk of a call. The next one comes after `HostMessage.room`.
  case chunk(call: UInt64, ToolValue)
  /// The tool's function has returned, and its call goes on.
  case returned(call: UInt64)
  /// A call has ended; nothing follows of it.
  case finished(call: UInt64, ToolOutcome)
  /// A tool asks for something in a call.
  case request(UInt64, call: UInt64, ServiceRequest)
  /// The changes of a watch were taken; without `wantsMore` it is over.
  case delivered(watch: UInt64, wantsMore: Bool)
  /// A tool wants no more of a watch.
  case unwatch(watch: UInt64)
  /// There is room for a chunk of another tool's call.
  case nestedRoom(call: UInt64)
  case nestedCancel(call: UInt64, ToolCall.Cancellation)
  /// A line for the log. With a call, it is the tool that says it.
  case log(call: UInt64?, level: Logger.Level, message: String, metadata: [String: String])
  /// The plugin has stopped; the child ends.
  case stopped

  /// What was loaded.
  package struct LoadedPlugin: Sendable {
    /// As the plugin says.
    package var name, version, description: String
    /// Calls name them by their places here.
    package var tools: [ToolDescription]

    /// A plugin.
    package init(name: String, version: String, description: String, tools: [ToolDescription]) {
      (self.name, self.version) = (name, version)
      (self.description, self.tools) = (description, tools)
    }
  }
}

extension ChildMessage {
  /// The message as a frame.
  package var frame: FrameWriter {
    var writer = FrameWriter()
    switch self {
    case .loaded(let plugin):
      writer.write(UInt8(1))
      writer.write(plugin.name)
      writer.write(plugin.version)
      writer.write(plugin.description)
      writer.write(list: plugin.tools) { $0.write($1) }
    case .refused(let reason):
      writer.write(UInt8(2))
      writer.write(reason)
    case .progress(let call, let fraction, let message):
      writer.write(UInt8(3))
      writer.write(call)
      writer.write(fraction)
      writer.write(message)
    case .chunk(let call, let value):
      writer.write(UInt8(4))
      writer.write(call)
      writer.write(value)
    case .returned(let call):
      writer.write(UInt8(5))
      writer.write(call)
    case .finished(let call, let outcome):
      writer.write(UInt8(6))
      writer.write(call)
      writer.write(outcome)
    case .request(let number, let call, let request):
      writer.write(UInt8(7))
      writer.write(number)
      writer.write(call)
      writer.write(request)
    case .delivered(let watch, let wantsMore):
      writer.write(UInt8(8))
      writer.write(watch)
      writer.write(wantsMore)
    case .unwatch(let watch):
      writer.write(UInt8(9))
      writer.write(watch)
    case .nestedRoom(let call):
      writer.write(UInt8(10))
      writer.write(call)
    case .nestedCancel(let call, let reason):
      writer.write(UInt8(11))
      writer.write(call)
      writer.write(reason.rawValue)
    case .log(let call, let level, let message, let metadata):
      writer.write(UInt8(12))
      writer.write(call) { $0.write($1) }
      writer.write(place: level)
      writer.write(message)
      writer.write(list: metadata) { writer, entry in
        writer.write(entry.key)
        writer.write(entry.value)
      }
    case .stopped: writer.write(UInt8(13))
    }
    return writer
  }

  /// Reads a message.
  package init(_ reader: inout FrameReader) throws {
    switch try reader.number(UInt8.self) {
    case 1:
      self = .loaded(
        LoadedPlugin(
          name: try reader.text(), version: try reader.text(), description: try reader.text(),
          tools: try reader.list { try $0.tool() }))
    case 2: self = .refused(try reader.text())
    case 3:
      self = .progress(call: try reader.number(), try reader.double(), try reader.text())
    case 4: self = .chunk(call: try reader.number(), try reader.toolValue())
    case 5: self = .returned(call: try reader.number())
    case 6: self = .finished(call: try reader.number(), try reader.outcome())
    case 7:
      self = .request(try reader.number(), call: try reader.number(), try reader.request())
    case 8: self = .delivered(watch: try reader.number(), wantsMore: try reader.flag())
    case 9: self = .unwatch(watch: try reader.number())
    case 10: self = .nestedRoom(call: try reader.number())
    case 11:
      let call = try reader.number(UInt64.self)
      guard let reason = ToolCall.Cancellation(rawValue: try reader.number()) else {
        throw MalformedFrame("there is no such reason to cancel")
      }
      self = .nestedCancel(call: call, reason)
    case 12:
      let call = try reader.optional { try $0.number(UInt64.self) }
      self = .log(
        call: call, level: try reader.place(), message: try reader.text(),
        metadata: Dictionary(try reader.list { (try $0.text(), try $0.text()) }) { $1 })
    case 13: self = .stopped
    case let other: throw MalformedFrame("a child sends no message \(other)")
    }
  }
}
