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
}
