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

  /// In a process of its own, whose working directory nobody else uses.
  @Test func relativePathsBeginInTheWorkingDirectory() async {
    await #expect(processExitsWith: .success) {
      let scratch = Scratch()
      scratch.directory("one")
      scratch.file("one/file", "below")
      scratch.file("file", "here")
      scratch.link("link", to: "one/file")
      precondition(chdir(scratch.path) == 0)
      for (path, real) in [
        ("file", "file"), ("./file", "file"), ("one/file", "one/file"), ("link", "one/file"),
        ("one/../file", "file"),
        ("one/../../\(scratch.path.split(separator: "/").last!)/file", "file"),
      ] {
        let file = try TrustedFile(path)
        precondition(file.path == "\(scratch.path)/\(real)", path)
        let content = try file.read(limit: 100)
        precondition(content == Array((real == "file" ? "here" : "below").utf8), path)
      }
      do throws(TrustedFileError) {
        _ = try TrustedFile("none")
        preconditionFailure("it is there")
      } catch {
        precondition(error.message.hasPrefix("\(scratch.path)/none cannot be read"), error.message)
      }
      let directory = try TrustedDirectory("one")
      precondition(directory.path == "\(scratch.path)/one")
      // Where others can write to the working directory, it is no better than any other.
      chmod(scratch.path, 0o777)
      do throws(TrustedFileError) {
        _ = try TrustedFile("file")
        preconditionFailure("it is trusted")
      } catch {
        precondition(error.code == .writableByOthers)
        precondition(error.message.contains("(on the way to file)"), error.message)
      }
    }
  }

  /// As many as Linux follows.
  @Test func fortyLinksAreFollowed() throws {
    scratch.file("link0")
    for number in 1...41 { scratch.link("link\(number)", to: "link\(number - 1)") }
    #expect(refusal("\(scratch.path)/link40") == nil)
    #expect(refusal("\(scratch.path)/link41") == .system(ELOOP))
  }

  @Test func theRootIsADirectoryAsOthers() {
    #expect(refusal("/") == .wrongKind)
    #expect(refusal("/../../etc/hostname") == refusal("/etc/hostname"))
    #expect(refusal("\(scratch.file("file"))\0x") == .system(ENOENT))
  }

  /// A file of several steps of reading, to the byte.
  @Test func longFilesAreReadWhole() throws {
    for length in [0, 1, 65_535, 65_536, 65_537, 200_000] {
      let text = String(repeating: "x", count: max(0, length - 1)) + (length > 0 ? "y" : "")
      let file = try TrustedFile(scratch.file("long", text))
      #expect(try file.read(limit: length) == Array(text.utf8))
      if length > 0 {
        do throws(TrustedFileError) {
          _ = try file.read(limit: length - 1)
          Issue.record("it is not too large")
        } catch {
          #expect(error.code == .tooLarge)
          #expect(error.message == "\(file.path) is larger than \(length - 1) bytes")
        }
      }
    }
  }

  @Test func aRefusalSaysWhatWouldHelp() throws {
    func message(_ path: String) -> String {
      do throws(TrustedFileError) {
        _ = try TrustedFile(path)
        return ""
      } catch {
        return error.message
      }
    }
    let file = scratch.file("open", mode: 0o666)
    #expect(
      message(file)
        == "\(file) can be written by others than its owner; run: chmod go-w \"\(file)\"")
    scratch.directory("shared", mode: 0o777)
    let below = scratch.file("shared/file")
    #expect(
      message(below)
        == "\(scratch.path)/shared (on the way to \(below)) can be written by others than its "
        + "owner; run: chmod go-w \"\(scratch.path)/shared\"")
    #expect(message(scratch.path) == "\(scratch.path) is not a regular file")
  }
}
