internal import BridgePluginABI
internal import Glibc
internal import JSON
internal import TrustedFiles

/// The files of a plugin as they were at one moment, in copies that nobody can change: the plugin itself, the
/// library that a manifest names, and the libraries beside it that it needs.
///
/// From these a plugin is loaded, here or in another process, as often as it has to be, whatever becomes of
/// the files meanwhile. Thread-safe.
package final class PluginFiles: Sendable {
  /// One of the files.
  package struct File: Sendable {
    /// What it is looked for as.
    package let name: String
    /// Where it was found, without links.
    package let path: String
    fileprivate let copy: PrivateFile

    /// The number of the copy's descriptor; valid as long as its `PluginFiles` lives.
    package var descriptor: CInt { copy.number }
  }

  /// The plugin first.
  package let files: [File]

  /// The path of the plugin, without links.
  package var path: String { files[0].path }

  /// What the names of manifests end with.
  package static let manifestEnding = ".native.json"

  /// Whether it is a manifest, and no shared object.
  package var isManifest: Bool { files[0].name.hasSuffix(Self.manifestEnding) }

  /// Whether the plugin's file has less bytes than its headers say, though all that is loaded of it is there:
  /// as one has that is still being written.
  package let isShort: Bool

  /// Whether the plugin's file names the function that plugins have, as every plugin does.
  package let namesEntry: Bool

  /// Copies all files of a plugin.
  ///
  /// - Parameter path: Of a `.so` or a manifest.
  /// - Throws: `PluginError` when one of them cannot be used.
  package init(copying path: String) throws(PluginError) {
    let file = try Self.open(path)
    var files = [try Self.copy(file, as: path)]
    if path.hasSuffix(Self.manifestEnding) {
      isShort = false
      namesEntry = true
      if let library = try NativeManifest(file, nil).libraryFile(beside: file.path) {
        let file = try Self.open(library)
        files.append(try Self.copy(file, as: library))
        try Self.addLibraries(of: files[1], to: &files)
      }
    } else {
      do {
        (isShort, namesEntry) = try files[0].copy.withBytes { bytes in
          (ELFImage.isShort(bytes), Self.contains(bytes, BRIDGE_PLUGIN_ENTRY))
        }
      } catch {
        throw PluginError("\(path): \(error)")
      }
      try Self.addLibraries(of: files[0], to: &files)
    }
    self.files = files
  }

  /// Takes copies over that another process has made.
  ///
  /// - Parameter files: Not empty.
  package init(received files: [(name: String, path: String, descriptor: CInt)]) {
    self.files = files.map {
      File(name: $0.name, path: $0.path, copy: PrivateFile(owning: $0.descriptor))
    }
    (isShort, namesEntry) = (false, true)
  }

  private static func open(_ path: String) throws(PluginError) -> TrustedFile {
    do {
      return try TrustedFile(path)
    } catch {
      throw PluginError(error.message)
    }
  }

  private static func copy(
    _ file: borrowing TrustedFile, as name: String
  ) throws(PluginError) -> File {
    let path = file.path
    do throws(PluginError) {
      let last = path.split(separator: "/").last.map(String.init) ?? ""
      let copy = try PrivateFile(copying: file, name: last)
      try copy.seal()
      return File(name: name, path: path, copy: copy)
    } catch {
      throw PluginError("\(path): \(error)")
    }
  }

  /// Adds the libraries that lie where one of the files says it has them, and those that they need.
  private static func addLibraries(of file: File, to files: inout [File]) throws(PluginError) {
    let image = try SharedObject.image(of: file.copy, file.path)
    for name in image.needed where !SharedObject.isLoaded(name) {
      for place in image.places(of: name, neededBy: file.path) {
        if files.contains(where: { $0.name == place }) { break }
        let library: TrustedFile
        do throws(TrustedFileError) {
          library = try TrustedFile(place)
        } catch {
          if error.isMissing { continue }
          throw PluginError("\(file.path) needs \(name): \(error)")
        }
        files.append(try copy(library, as: place))
        try addLibraries(of: files[files.count - 1], to: &files)
        break
      }
    }
  }

  private static func contains(_ bytes: UnsafeRawBufferPointer, _ text: String) -> Bool {
    // With the zero at its end, as the table of names has it.
    let wanted = Array(text.utf8CString)
    guard var place = bytes.baseAddress, bytes.count >= wanted.count else { return false }
    let end = place + (bytes.count - wanted.count + 1)
    while place < end, let found = memchr(place, CInt(wanted[0]), end - place) {
      if memcmp(found, wanted, wanted.count) == 0 { return true }
      place = UnsafeRawPointer(found) + 1
    }
    return false
  }

  /// Opens a file: the copy, or where there is none the file itself, checked.
  ///
  /// - Throws: `TrustedFileError`, with `isMissing` when there is no such file.
  func file(_ name: String) throws(TrustedFileError) -> TrustedFile {
    guard let file = files.first(where: { $0.name == name || $0.path == name }) else {
      return try TrustedFile(name)
    }
    // A descriptor of its own, which the reader closes.
    let number = fcntl(file.descriptor, F_DUPFD_CLOEXEC, 0)
    guard number >= 0 else { return try TrustedFile(name) }
    return TrustedFile(file.path, checked: FileDescriptor(owning: number))
  }

  /// - Parameter files: nil where there are no copies.
  static func file(
    _ name: String, of files: PluginFiles?
  ) throws(TrustedFileError) -> TrustedFile {
    guard let files else { return try TrustedFile(name) }
    return try files.file(name)
  }
}
