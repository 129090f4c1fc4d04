internal import BridgeTools
internal import Threads
internal import TrustedFiles

/// Holds the files of one plugin to the SHA-256 that somebody wrote down for them: the very bytes that are
/// loaded.
final class FileDigests: Sendable {
  private let plugin: String?
  /// By the names that the plugin knows them by.
  private let libraries: [String: String]
  private let isRequired: Bool
  private let unseen: Locked<Set<String>>

  /// One file of a plugin.
  enum File {
    /// Its own: `NAME.so` or `NAME.native.json`.
    case plugin
    /// A library beside it.
    case library(String)
  }

  init(_ options: LoadOptions) {
    plugin = options.digest?.lowercased()
    libraries = options.libraryDigests.mapValues { $0.lowercased() }
    isRequired = options.requiresDigests
    unseen = Locked(Set(libraries.keys))
  }

  /// Looks at the bytes of a file.
  ///
  /// - Throws: `PluginError` when they are others, or must be known and are not.
  func check(_ bytes: UnsafeRawBufferPointer, of file: File) throws(PluginError) {
    guard let wanted = expected(file) else {
      if isRequired { throw Self.unknown }
      return
    }
    let found = SHA256.hex(of: bytes)
    guard found == wanted else {
      throw PluginError("its SHA-256 is \(found), not \(wanted) as its settings say")
    }
    if case .library(let name) = file { Self.verified.withLock { $0[name] = wanted } }
  }

  private func expected(_ file: File) -> String? {
    switch file {
    case .plugin: return plugin
    case .library(let name):
      unseen.withLock { _ = $0.remove(name) }
      return libraries[name]
    }
  }

  private static let unknown = PluginError(
    "no SHA-256 is known for it, which --plugin-sha256-required asks for: say it under \"sha256\" in the "
      + "settings beside the plugin")

  /// The digests of libraries beside plugins that were found right, by their names.
  private static let verified = Locked<[String: String]>([:])

  /// Looks at a library that the plugin needs and this process has already, so that it is not loaded again.
  ///
  /// - Throws: `PluginError` when its digest matters and nobody knows it.
  func checkLoaded(_ name: String) throws(PluginError) {
    guard let wanted = expected(.library(name)) else { return }
    guard Self.verified.withLock({ $0[name] }) == wanted else {
      throw PluginError(
        "it needs \(name), of which this process has one already whose SHA-256 is not known: give the "
          + "plugin a process of its own, with \"isolation\": \"child\"")
    }
  }

  /// Refuses digests that nothing was held to: of a misspelled name, or of a library of the system.
  ///
  /// - Throws: `PluginError`.
  func checkAllSeen() throws(PluginError) {
    guard let name = unseen.withLock({ $0.min() }) else { return }
    throw PluginError("its settings say the SHA-256 of \(name), which is not loaded from beside it")
  }
}
