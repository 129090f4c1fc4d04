import Glibc
import Testing
import TrustedFiles

@Suite struct TrustedFileTests {
  private let scratch = Scratch()

  /// What opening the file says; nil when it is trusted.
  private func refusal(_ path: String) -> TrustedFileError.Code? {
    do throws(TrustedFileError) {
      _ = try TrustedFile(path)
      return nil
    } catch {
      return error.code
    }
  }

  @Test func readsAFileOfThisUser() throws {
    let path = scratch.file("tokens", "abc", mode: 0o600)
    let file = try TrustedFile(path)
    #expect(file.path == path)
    #expect(try file.read(limit: 3) == Array("abc".utf8))
    #expect(try file.read(limit: 3) == Array("abc".utf8))
    let isOpen = file.isReadableByEveryone
    #expect(!isOpen)
  }

  @Test func tellsWhoCanReadIt() throws {
    let file = try TrustedFile(scratch.file("open", mode: 0o644))
    let isOpen = file.isReadableByEveryone
    #expect(isOpen)
  }

  @Test func refusesALongerFile() throws {
    let file = try TrustedFile(scratch.file("long", "abcd"))
    #expect(throws: TrustedFileError.self) { try file.read(limit: 3) }
  }

  @Test func refusesWhatOthersCanWrite() {
    #expect(refusal(scratch.file("group", mode: 0o664)) == .writableByOthers)
    #expect(refusal(scratch.file("all", mode: 0o646)) == .writableByOthers)
  }

  @Test func refusesAFileInADirectoryThatOthersCanWrite() {
    scratch.directory("shared", mode: 0o777)
    #expect(refusal(scratch.file("shared/file")) == .writableByOthers)
  }

  @Test func refusesAParentThatOthersCanWrite() {
    scratch.directory("shared")
    scratch.directory("shared/own")
    let file = scratch.file("shared/own/file")
    #expect(refusal(file) == nil)
    chmod("\(scratch.path)/shared", 0o775)
    #expect(refusal(file) == .writableByOthers)
    // What is sticky is no danger to what belongs to this user.
    chmod("\(scratch.path)/shared", 0o1777)
    #expect(refusal(file) == nil)
  }

  @Test func refusesALinkThroughADirectoryThatOthersCanWrite() {
    scratch.directory("shared", mode: 0o777)
    scratch.file("shared/target")
    #expect(refusal(scratch.link("direct", to: "shared/target")) == .writableByOthers)
    // A link to a link: only the second one lies in the shared directory.
    scratch.link("shared/second", to: "\(scratch.file("safe"))")
    #expect(refusal(scratch.link("first", to: "shared/second")) == .writableByOthers)
    // Leaving the directory again does not help.
    #expect(refusal("\(scratch.path)/shared/../safe") == .writableByOthers)
  }

  @Test func followsLinksThatAreTrusted() throws {
    scratch.directory("one")
    scratch.directory("one/two")
    let target = scratch.file("one/target")
    scratch.link("one/two/up", to: "../target")
    scratch.link("absolute", to: "\(scratch.path)/one/two")
    let file = try TrustedFile("\(scratch.path)/absolute/./up")
    #expect(file.path == target)
  }

  @Test func refusesLoopsOfLinks() {
    scratch.link("a", to: "b")
    scratch.link("b", to: "a")
    #expect(refusal("\(scratch.path)/a") == .system(ELOOP))
  }

  @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
  func refusesWhatBelongsToSomebodyElse() {
    let file = scratch.file("file")
    chown(file, 12_345, 0)
    #expect(refusal(file) == .wrongOwner)
    scratch.directory("theirs")
    let below = scratch.file("theirs/file")
    chown("\(scratch.path)/theirs", 12_345, 0)
    #expect(refusal(below) == .wrongOwner)
    let link = scratch.link("link", to: scratch.file("safe"))
    #expect(refusal(link) == nil)
    lchown(link, 12_345, 0)
    #expect(refusal(link) == .wrongOwner)
  }

  @Test func opensRegularFilesOnly() {
    scratch.directory("directory")
    #expect(refusal("\(scratch.path)/directory") == .wrongKind)
    let pipe = "\(scratch.path)/pipe"
    mkfifo(pipe, 0o600)
    #expect(refusal(pipe) == .wrongKind)
    #expect(refusal("/dev/null") == .wrongKind)
  }

  @Test func tellsWhatIsMissing() {
    do throws(TrustedFileError) {
      _ = try TrustedFile("\(scratch.path)/missing")
      Issue.record("it was opened")
    } catch {
      #expect(error.isMissing)
      #expect(error.message == "\(scratch.path)/missing cannot be read: No such file or directory")
    }
    #expect(refusal("") == .system(ENOENT))
    #expect(refusal("\(scratch.file("file"))/below") == .system(ENOTDIR))
  }

  @Test func theOpenFileStaysTheSame() throws {
    let path = scratch.file("file", "before")
    let file = try TrustedFile(path)
    rename(scratch.file("new", "after"), path)
    #expect(try file.read(limit: 100) == Array("before".utf8))
  }
}
