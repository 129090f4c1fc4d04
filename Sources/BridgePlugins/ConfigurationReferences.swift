internal import BridgePluginHost
internal import Glibc
internal import JSON
internal import TrustedFiles

/// Puts what a configuration refers to into it: `{"from_env": "NAME"}` and `{"from_file": "path"}` become
/// texts. These are secrets as a rule: nothing here tells them.
struct ConfigurationReferences {
  /// Where the paths of files begin.
  let directory: String
  /// Whether there was one.
  private(set) var hasResolved = false
  /// What is to be told.
  private(set) var warnings: [String] = []

  /// Longer files are refused, in bytes.
  static let sizeLimit = 1024 * 1024

  init(directory: String) { self.directory = directory }

  /// - Parameter configuration: Must be an object.
  /// - Throws: `PluginError` with the place, for a reference that leads nowhere.
  mutating func resolve(_ configuration: JSON) throws(PluginError) -> JSON {
    guard case .object = configuration, Self.reference(configuration) == nil else {
      throw PluginError("must be an object")
    }
    return try replace(configuration)
  }

  private mutating func replace(_ value: JSON) throws(PluginError) -> JSON {
    switch value {
    case .object(let members):
      if let (key, target) = Self.reference(value) {
        hasResolved = true
        return .string(try read(key, target))
      }
      var replaced: [JSON.Member] = []
      for member in members {
        do throws(PluginError) {
          replaced.append(JSON.Member(key: member.key, value: try replace(member.value)))
        } catch {
          throw error.within(.key(member.key))
        }
      }
      return .object(replaced)
    case .array(let elements):
      var replaced: [JSON] = []
      for (index, element) in elements.enumerated() {
        do throws(PluginError) {
          replaced.append(try replace(element))
        } catch {
          throw error.within(.index(index))
        }
      }
      return .array(replaced)
    default: return value
    }
  }

  /// An object with one of the two keys and nothing else.
  private static func reference(_ value: JSON) -> (key: String, target: JSON)? {
    guard case .object(let members) = value, members.count == 1, let member = members.first,
      member.key == "from_env" || member.key == "from_file"
    else { return nil }
    return (member.key, member.value)
  }

  private mutating func read(_ key: String, _ target: JSON) throws(PluginError) -> String {
    guard case .string(let name) = target, !name.isEmpty, !name.utf8.contains(0) else {
      throw PluginError(
        key == "from_env" ? "must be the name of an environment variable" : "must be a path",
        at: key)
    }
    if key == "from_env" {
      guard let text = getenv(name) else {
        throw PluginError("the environment variable \(name) is not set", at: key)
      }
      return try Self.text(String(validatingCString: text), "the environment variable \(name)", key)
    }
    return try readFile(name.hasPrefix("/") ? name : "\(directory)/\(name)")
  }

  /// The text of a file, without the line feed at its end that editors put there.
  private mutating func readFile(_ path: String) throws(PluginError) -> String {
    let key = "from_file"
    var bytes: [UInt8]
    do throws(TrustedFileError) {
      let file = try TrustedFile(path)
      bytes = try file.read(limit: Self.sizeLimit)
      if file.isReadableByEveryone {
        warnings.append("every user can read \(file.path), which a configuration refers to")
      }
    } catch {
      throw PluginError(error.message, at: key)
    }
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    return try Self.text(String(validating: bytes, as: UTF8.self), path, key)
  }

  private static func text(
    _ text: String?, _ what: String, _ key: String
  ) throws(PluginError) -> String {
    guard let text else { throw PluginError("\(what) does not hold UTF-8 text", at: key) }
    return text
  }
}
