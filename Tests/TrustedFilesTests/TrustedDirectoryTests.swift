import Glibc
import Testing
import TrustedFiles

@Suite struct TrustedDirectoryTests {
  private let scratch = Scratch()

  private func refusal(_ path: String) -> TrustedFileError.Code? {
    do throws(TrustedFileError) {
      _ = try TrustedDirectory(path)
      return nil
    } catch {
      return error.code
    }
  }

  @Test func listsItsEntries() throws {
    for name in ["b", "a", ".hidden"] { scratch.file(name) }
    let directory = try TrustedDirectory(scratch.path)
    #expect(try directory.entries() == [".hidden", "a", "b"])
    #expect(try directory.entries() == [".hidden", "a", "b"])
    #expect(try directory.file("a").read(limit: 100) == Array("content".utf8))
  }

  /// Only what reading the directory says is an error of reading it.
  @Test func earlierErrorsMeanNothing() throws {
    scratch.file("a")
    let directory = try TrustedDirectory(scratch.path)
    for number in [EIO, EBADF, ENOENT] {
      errno = number
      #expect(try directory.entries() == ["a"])
    }
  }

  @Test func refusesWhatOthersCanAddTo() {
    #expect(refusal(scratch.directory("own")) == nil)
    #expect(refusal(scratch.directory("group", mode: 0o775)) == .writableByOthers)
    #expect(refusal(scratch.directory("sticky", mode: 0o1777)) == .writableByOthers)
    #expect(refusal(scratch.file("file")) == .wrongKind)
    #expect(refusal("\(scratch.path)/missing") == .system(ENOENT))
  }

  @Test func checksItsFiles() throws {
    let directory = try TrustedDirectory(scratch.path)
    scratch.file("open", mode: 0o666)
    #expect(throws: TrustedFileError.self) { try directory.file("open").read(limit: 1) }
  }

  @Test func socketsAreCheckedAsFilesAre() throws {
    func refusal(_ path: String) -> TrustedFileError.Code? {
      do throws(TrustedFileError) {
        try TrustedSocket.check(path)
        return nil
      } catch {
        return error.code
      }
    }
    let path = "\(scratch.path)/s"
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(bound == 0)
    // Who may connect does not matter.
    chmod(path, 0o777)
    #expect(refusal(path) == nil)
    #expect(refusal(scratch.link("link", to: "s")) == nil)
    #expect(refusal(scratch.file("file")) == .wrongKind)
    #expect(refusal(scratch.path) == .wrongKind)
    #expect(refusal("\(scratch.path)/none") == .system(ENOENT))
    if geteuid() == 0 {
      chown(path, 12_345, 0)
      #expect(refusal(path) == .wrongOwner)
      chown(path, 0, 0)
    }
    chmod(scratch.path, 0o777)
    #expect(refusal(path) == .writableByOthers)
  }
}
