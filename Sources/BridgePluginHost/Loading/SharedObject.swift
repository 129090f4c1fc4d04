internal import Glibc
internal import TrustedFiles

/// A shared object in memory.
///
/// It stays mapped when this goes: unmapping Swift, Go or Rust code crashes. `close` is for code that says
/// it can go.
// @unchecked: the handle is only passed to the loader, which is thread-safe.
final class SharedObject: @unchecked Sendable {
  private let handle: UnsafeMutableRawPointer
  /// Where it was loaded from, or the name that the system's loader found it by.
  let path: String
  /// The copy that is mapped; nil for a library of the system. It stays open as long as it is mapped: the
  /// loader knows it by its path, and takes another file there for the same.
  private let copy: Unmanaged<PrivateFile>?
  /// The libraries beside it that it needs.
  private let dependencies: [SharedObject]

  // NOW: a missing symbol shows here and not in the middle of a call. LOCAL: plugins do not see each
  // other's symbols. No DEEPBIND: it breaks allocators and sanitizers.
  private static let flags = RTLD_NOW | RTLD_LOCAL

  /// Loads a library that the system's loader finds by its name, or a file where it is.
  ///
  /// - Throws: `PluginError` with the loader's own words.
  init(system name: String) throws(PluginError) {
    do throws(PluginError) {
      handle = try Self.open(name, as: name)
    } catch {
      throw PluginError("cannot load \(name): \(error)")
    }
    path = name
    copy = nil
    dependencies = []
  }

  /// Loads a file: a copy of it that nobody can change any more, after a look at all that the loader will
  /// follow. The libraries it needs and that lie where it says it has them (`$ORIGIN`) are loaded the same
  /// way.
  ///
  /// - Parameters:
  ///   - role: What the file is to the plugin.
  ///   - digests: What all of them are held to.
  ///   - files: Copies to take instead of files; nil where there are none.
  /// - Throws: `PluginError`.
  convenience init(
    _ file: borrowing TrustedFile, _ role: FileDigests.File, _ digests: FileDigests,
    from files: PluginFiles?
  ) throws(PluginError) {
    try self.init(file, role, digests, from: files, below: [])
  }

  private init(
    _ file: borrowing TrustedFile, _ role: FileDigests.File, _ digests: FileDigests,
    from files: PluginFiles?, below: [String]
  ) throws(PluginError) {
    let path = file.path
    do throws(PluginError) {
      let name = path.split(separator: "/").last.map(String.init) ?? ""
      let copy = try PrivateFile(copying: file, name: name)
      try Self.check(copy, role, digests)
      let image = try Self.image(of: copy)
      for edit in image.constructors.edits { try copy.write(edit.value, at: edit.offset) }
      try copy.seal()
      dependencies = try Self.load(image, of: path, digests, from: files, below: below + [path])
      if below.isEmpty { try digests.checkAllSeen() }
      handle = try Self.open(copy.path, as: path)
      // Also when a constructor throws: what is mapped stays, and so does the path the loader knows it by.
      self.copy = Unmanaged.passRetained(copy)
      try Self.run(image.constructors, of: handle)
      self.path = path
    } catch {
      throw PluginError("cannot load \(path): \(error)")
    }
  }

  /// Reads the headers of a file.
  ///
  /// - Parameter path: Of the file, for messages.
  static func image(of copy: PrivateFile, _ path: String) throws(PluginError) -> ELFImage {
    do throws(PluginError) {
      return try image(of: copy)
    } catch {
      throw PluginError("cannot load \(path): \(error)")
    }
  }

  private static func image(of copy: PrivateFile) throws(PluginError) -> ELFImage {
    do {
      return try copy.withBytes { try ELFImage($0) }
    } catch let fault as ELFImage.Fault {
      throw PluginError(fault.message)
    } catch {
      throw PluginError("\(error)")
    }
  }

  private static func check(
    _ copy: PrivateFile, _ role: FileDigests.File, _ digests: FileDigests
  ) throws(PluginError) {
    do {
      try copy.withBytes { try digests.check($0, of: role) }
    } catch let error as PluginError {
      throw error
    } catch {
      throw PluginError("\(error)")
    }
  }

  private static func load(
    _ image: ELFImage, of path: String, _ digests: FileDigests, from files: PluginFiles?,
    below: [String]
  ) throws(PluginError) -> [SharedObject] {
    var loaded: [SharedObject] = []
    for name in image.needed {
      if isLoaded(name) {
        try digests.checkLoaded(name)
        continue
      }
      for place in image.places(of: name, neededBy: path) {
        let file: TrustedFile
        do throws(TrustedFileError) {
          file = try PluginFiles.file(place, of: files)
        } catch {
          if error.isMissing { continue }
          throw PluginError("it needs \(name): \(error)")
        }
        guard !below.contains(file.path) else { break }
        loaded.append(
          try SharedObject(file, .library(name), digests, from: files, below: below))
        break
      }
    }
    return loaded
  }

  /// Whether this process has a library of that name already.
  static func isLoaded(_ name: String) -> Bool {
    guard let handle = dlopen(name, RTLD_NOW | RTLD_NOLOAD) else { return false }
    dlclose(handle)
    return true
  }

  private static func open(
    _ path: String, as name: String
  ) throws(PluginError) -> UnsafeMutableRawPointer {
    var report = PluginCode.Report()
    guard let handle = PluginCode.open(path, flags, &report) else {
      if let exception = report.exception {
        throw PluginError("its start ended with \(exception)")
      }
      let reason = dlerror().map { String(cString: $0) } ?? "the loader does not say why"
      throw PluginError(reason.replacing(path, with: name))
    }
    return handle
  }

  /// Runs the constructors, which the loader does not find. Under its lock, what one of them throws would
  /// leave the loader locked for ever, and one that waits would keep all others from loading anything.
  private static func run(
    _ constructors: ELFImage.Constructors, of handle: UnsafeMutableRawPointer
  ) throws(PluginError) {
    let base = PluginCode.base(of: handle)
    if let first = constructors.first {
      try run(UnsafeRawPointer(bitPattern: base + UInt(first)))
    }
    guard let offset = constructors.list,
      let list = UnsafeRawPointer(bitPattern: base + UInt(offset))
    else { return }
    for index in 0..<Int(constructors.count) {
      let function = list.load(fromByteOffset: index * 8, as: UInt.self)
      // As the loader: -1 and 0 are no functions.
      if function != 0, function != .max { try run(UnsafeRawPointer(bitPattern: function)) }
    }
  }

  private static func run(_ constructor: UnsafeRawPointer?) throws(PluginError) {
    guard let constructor else { return }
    var report = PluginCode.Report()
    PluginCode.construct(constructor, &report)
    if let exception = report.exception {
      throw PluginError("its start ended with \(exception)")
    }
  }

  /// Runs `body` with an open descriptor of the file that is mapped, which it does not keep.
  ///
  /// - Returns: nil where the file cannot be opened, or is not there any more.
  func withFile<Result>(_ body: (CInt) -> Result) -> Result? {
    if let copy { return body(copy.takeUnretainedValue().number) }
    guard let file = PluginCode.file(of: handle) else { return nil }
    let number = Glibc.open(file, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { return nil }
    defer { Glibc.close(number) }
    return body(number)
  }

  func symbol(_ name: String) -> UnsafeMutableRawPointer? { dlsym(handle, name) }

  /// Where an address of this object is, from its beginning.
  func offset(of address: UInt) -> UInt64 { UInt64(address &- PluginCode.base(of: handle)) }

  /// Whether a symbol of this object is code.
  func isCode(_ symbol: UnsafeMutableRawPointer) -> Bool { MemoryMap.isExecutable(symbol) }

  /// Lets it go. Nothing of it may be used any more, and none of its code may be running.
  func close() {
    var report = PluginCode.Report()
    PluginCode.close(handle, &report)
    copy?.release()
  }
}
