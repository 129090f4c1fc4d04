package import BridgeSessions
package import BridgeTools
package import Logging

/// What a host tells the child process of a plugin.
package enum HostMessage: Sendable {
  /// Load a plugin; the first message.
  case load(PluginToLoad)
  case call(CallToRun)
  /// A call must end.
  case cancel(call: UInt64, ToolCall.Cancellation)
  /// There is room for a chunk of a call.
  case room(call: UInt64)
  /// What was asked for.
  case reply(request: UInt64, ServiceReply)
  /// Changes that a watch has; the next ones come after `ChildMessage.delivered`.
  case changes(watch: UInt64, [VariableChange])
  /// Something happened in a call of another tool. The next chunk comes after `ChildMessage.nestedRoom`.
  case nested(call: UInt64, NestedEvent)
  /// A session has ended that `ServiceRequest.whenSessionEnds` asked about.
  case sessionEnded(request: UInt64)
  /// No further call comes: let the plugin stop, and end.
  case stop

  /// What is to be loaded.
  package struct PluginToLoad: Sendable, Equatable {
    /// The file's path, without links.
    package var path: String
    /// Copies that are loaded instead of the files: what each is looked for as, and where it was found. Their
    /// descriptors follow, one a message; the first is the plugin's. Where there are none, the file is.
    package var files: [File]
    /// What whoever serves it says of it.
    package var options: LoadOptions
    /// Threads that callbacks of watches and of cancellations have, each.
    package var callbackThreads: Int
    /// What the host's log takes.
    package var logLevel: Logger.Level

    /// A file of a plugin.
    package struct File: Sendable, Equatable {
      /// What it is looked for as, and its path without links.
      package var name, path: String

      /// A file.
      package init(name: String, path: String) { (self.name, self.path) = (name, path) }
    }

    /// A plugin that a file holds.
    package init(
      path: String, files: [File] = [], _ options: LoadOptions, logLevel: Logger.Level,
      callbackThreads: Int = 8
    ) {
      self.path = path
      self.files = files
      self.options = options
      self.logLevel = logLevel
      self.callbackThreads = callbackThreads
    }
  }

  /// A call of one of the plugin's tools.
  package struct CallToRun: Sendable {
    /// Names the call in all other messages.
    package var number: UInt64
    /// The tool's place in the list that the child has sent.
    package var tool: Int
    /// The caller's session, as of `CallServices`.
    package var sessionID, sessionEpoch: String
    /// Checked, each name once.
    package var arguments: [(name: String, value: ToolValue)]
    /// The request's.
    package var metadata: VariableMetadata
    /// Of CLOCK_MONOTONIC, which all processes share.
    package var deadline: Int64?
    /// Whether chunks go anywhere.
    package var isStreaming: Bool
    /// How many calls of tools it is inside of.
    package var depth: Int

    /// A call.
    package init(
      number: UInt64, tool: Int, sessionID: String, sessionEpoch: String,
      arguments: [(name: String, value: ToolValue)], metadata: VariableMetadata, deadline: Int64?,
      isStreaming: Bool, depth: Int
    ) {
      (self.number, self.tool, self.sessionID) = (number, tool, sessionID)
      (self.sessionEpoch, self.arguments, self.metadata) = (sessionEpoch, arguments, metadata)
      (self.deadline, self.isStreaming, self.depth) = (deadline, isStreaming, depth)
    }
  }

  /// What happens in a call of another tool.
  package enum NestedEvent: Sendable {
    case chunk(ToolValue)
    case progress(Double, String)
    case finished(ToolOutcome)
  }
}

extension HostMessage {
  /// The message as a frame.
  package var frame: FrameWriter {
    var writer = FrameWriter()
    switch self {
    case .load(let plugin):
      writer.write(UInt8(1))
      writer.write(plugin.path)
      writer.write(list: plugin.files) { writer, file in
        writer.write(file.name)
        writer.write(file.path)
      }
      writer.write(plugin.options)
      writer.write(place: plugin.logLevel)
      writer.write(UInt32(plugin.callbackThreads))
    case .call(let call):
      writer.write(UInt8(2))
      writer.write(call)
    case .cancel(let call, let reason):
      writer.write(UInt8(3))
      writer.write(call)
      writer.write(reason.rawValue)
    case .room(let call):
      writer.write(UInt8(4))
      writer.write(call)
    case .reply(let request, let reply):
      writer.write(UInt8(5))
      writer.write(request)
      writer.write(reply)
    case .changes(let watch, let changes):
      writer.write(UInt8(6))
      writer.write(watch)
      writer.write(list: changes) { $0.write($1) }
    case .nested(let call, let event):
      writer.write(UInt8(7))
      writer.write(call)
      writer.write(event)
    case .sessionEnded(let request):
      writer.write(UInt8(8))
      writer.write(request)
    case .stop: writer.write(UInt8(9))
    }
    return writer
  }

  /// Reads a message.
  package init(_ reader: inout FrameReader) throws {
    switch try reader.number(UInt8.self) {
    case 1:
      self = .load(
        PluginToLoad(
          path: try reader.text(),
          files: try reader.list {
            PluginToLoad.File(name: try $0.text(), path: try $0.text())
          }, try reader.loadOptions(), logLevel: try reader.place(),
          callbackThreads: Int(try reader.number(UInt32.self))))
    case 2: self = .call(try reader.call())
    case 3:
      let call = try reader.number(UInt64.self)
      guard let reason = ToolCall.Cancellation(rawValue: try reader.number()) else {
        throw MalformedFrame("there is no such reason to cancel")
      }
      self = .cancel(call: call, reason)
    case 4: self = .room(call: try reader.number())
    case 5: self = .reply(request: try reader.number(), try reader.reply())
    case 6: self = .changes(watch: try reader.number(), try reader.list { try $0.change() })
    case 7: self = .nested(call: try reader.number(), try reader.nestedEvent())
    case 8: self = .sessionEnded(request: try reader.number())
    case 9: self = .stop
    case let other: throw MalformedFrame("a host sends no message \(other)")
    }
  }
}

extension FrameWriter {
  fileprivate mutating func write(_ options: LoadOptions) {
    write(options.configuration) { $0.write($1) }
    write(options.isConfigurationSecret)
    write(options.selection.names) { writer, names in
      writer.write(list: names) { $0.write($1) }
    }
    write(options.selection.prefix)
    write(options.selection.renames)
    write(options.digest) { $0.write($1) }
    write(options.libraryDigests)
    write(options.requiresDigests)
  }

  private mutating func write(_ texts: [String: String]) {
    write(list: texts.sorted { $0.key < $1.key }) { writer, entry in
      writer.write(entry.key)
      writer.write(entry.value)
    }
  }

  fileprivate mutating func write(_ call: HostMessage.CallToRun) {
    write(call.number)
    write(UInt32(call.tool))
    write(call.sessionID)
    write(call.sessionEpoch)
    write(list: call.arguments) { writer, argument in
      writer.write(argument.name)
      writer.write(argument.value)
    }
    write(call.metadata)
    write(call.deadline) { $0.write($1) }
    write(call.isStreaming)
    write(UInt32(call.depth))
  }

  fileprivate mutating func write(_ event: HostMessage.NestedEvent) {
    switch event {
    case .chunk(let value):
      write(UInt8(0))
      write(value)
    case .progress(let fraction, let message):
      write(UInt8(1))
      write(fraction)
      write(message)
    case .finished(let outcome):
      write(UInt8(2))
      write(outcome)
    }
  }
}

extension FrameReader {
  /// Where tools run is the host's to decide: quick ones are as all others here.
  fileprivate mutating func loadOptions() throws -> LoadOptions {
    var options = LoadOptions(configuration: try optional { try $0.text() })
    options.isConfigurationSecret = try flag()
    options.selection.names = try optional { try $0.list { try $0.text() } }
    options.selection.prefix = try text()
    options.selection.renames = try texts()
    options.digest = try optional { try $0.text() }
    options.libraryDigests = try texts()
    options.requiresDigests = try flag()
    return options
  }

  private mutating func texts() throws -> [String: String] {
    Dictionary(try list { (try $0.text(), try $0.text()) }) { $1 }
  }

  fileprivate mutating func call() throws -> HostMessage.CallToRun {
    HostMessage.CallToRun(
      number: try number(), tool: Int(try number(UInt32.self)), sessionID: try text(),
      sessionEpoch: try text(),
      arguments: try list { (name: try $0.text(), value: try $0.toolValue()) },
      metadata: try metadata(), deadline: try optional { try $0.moment() },
      isStreaming: try flag(), depth: Int(try number(UInt32.self)))
  }

  fileprivate mutating func nestedEvent() throws -> HostMessage.NestedEvent {
    switch try number(UInt8.self) {
    case 0: .chunk(try toolValue())
    case 1: .progress(try double(), try text())
    case 2: .finished(try outcome())
    case let other: throw MalformedFrame("there is no event \(other)")
    }
  }
}
