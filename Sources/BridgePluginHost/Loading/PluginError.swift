package import BridgeTools
package import JSON

/// Why a plugin, a manifest or their directory cannot be used, in a sentence for a person.
public struct PluginError: Error, Sendable, CustomStringConvertible {
  /// What is wrong, and with what, in one line.
  public let description: String
  /// Where in the JSON that somebody wrote; of use to who knows its text.
  package var place = JSONPlace()

  /// An error in words.
  package init(_ description: String) { self.description = description }

  /// - Parameter key: Of the member that is wrong.
  package init(_ description: String, at key: String) {
    self.description = description
    place = JSONPlace([.key(key)])
  }

  /// - Parameter step: To what is wrong.
  package init(_ description: String, at step: JSONPlace.Step) {
    self.description = description
    place = JSONPlace([step])
  }

  /// What is wrong with a JSON file, with its line and the keys that lead there.
  ///
  /// - Parameters:
  ///   - error: A `PluginError`, a `JSONError`, or another one that knows no place.
  ///   - text: What the file holds.
  package init(_ error: any Error, in text: [UInt8], of path: String) {
    switch error {
    case let error as PluginError:
      let keys = error.place.steps.isEmpty ? "" : "\(error.place): "
      self.init("\(path):\(error.place.line(in: text)): \(keys)\(error)")
    case is JSONError:
      let line = JSONPlace.lineOfFault(in: text).map { ":\($0)" } ?? ""
      self.init("\(path)\(line): \(error)")
    default: self.init("\(path): \(error)")
    }
  }

  /// Why the tools of a plugin are not registered, and what to do where their names are taken.
  ///
  /// - Parameter path: Of the plugin.
  package init(registering path: String, _ error: ToolsError) {
    let remedy =
      error.code == .nameTaken
      ? "; \"renames\" or \"prefix\" in \(SettingsFile.path(beside: path)) gives it another name"
      : ""
    self.init("\(path): \(error)\(remedy)")
  }

  /// This error, of something that a step leads to.
  package func within(_ step: JSONPlace.Step) -> PluginError {
    var error = self
    error.place.steps.insert(step, at: 0)
    return error
  }

  /// This error in other words.
  package func saying(_ description: String) -> PluginError {
    var error = PluginError(description)
    error.place = place
    return error
  }
}

extension JSONPlace.Step {
  /// Does something with what this step leads to.
  ///
  /// - Throws: What `body` throws, whose place is from there.
  package func within<Result>(_ body: () throws(PluginError) -> Result) throws(PluginError)
    -> Result
  {
    do throws(PluginError) {
      return try body()
    } catch {
      throw error.within(self)
    }
  }
}
