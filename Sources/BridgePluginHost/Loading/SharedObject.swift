internal import Glibc

/// A shared object that stays mapped for the life of the process: unmapping Swift, Go or Rust code
/// crashes.
// @unchecked: the handle is only passed to dlsym, which is thread-safe.
final class SharedObject: @unchecked Sendable {
  private let handle: UnsafeMutableRawPointer
  let path: String

  /// - Parameter path: Absolute, or a library name that the system's loader finds.
  /// - Throws: `PluginError` with the loader's own words.
  init(_ path: String) throws(PluginError) {
    // NOW: a missing symbol shows here and not in the middle of a call. LOCAL: plugins do not see
    // each other's symbols. No DEEPBIND: it breaks allocators and sanitizers.
    guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
      throw PluginError("cannot load \(path): \(String(cString: dlerror()))")
    }
    self.handle = handle
    self.path = path
  }

  func symbol(_ name: String) -> UnsafeMutableRawPointer? { dlsym(handle, name) }
}
