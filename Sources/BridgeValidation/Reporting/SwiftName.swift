internal import Glibc

/// Names of functions as their authors wrote them.
enum SwiftName {
  private typealias Demangle =
    @convention(c) (
      UnsafePointer<CChar>?, Int, UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<Int>?, UInt32
    ) -> UnsafeMutablePointer<CChar>?

  /// A name that a linker knows, in the words of Swift where it is one of Swift's.
  ///
  /// Source: swift/Demangling/Demangle.h, swift_demangle.
  static func readable(_ name: String) -> String {
    guard name.hasPrefix("$s"), let function = dlsym(nil, "swift_demangle") else { return name }
    let demangle = unsafeBitCast(function, to: Demangle.self)
    guard let text = demangle(name, name.utf8.count, nil, nil, 0) else { return name }
    defer { free(text) }
    return String(cString: text)
  }
}
