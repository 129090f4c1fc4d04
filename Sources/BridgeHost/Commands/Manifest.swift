internal import ArgumentParser
internal import Glibc
internal import JSON
internal import NativeHeaders

/// `bridge-host manifest`: help with manifests of native functions.
struct Manifest: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "manifest", abstract: "Write manifests that make C functions into tools.",
    subcommands: [FromHeader.self])

  /// `bridge-host manifest from-header`: writes a first manifest.
  struct FromHeader: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "from-header",
      abstract: "Write a first manifest for the functions of a C header.",
      discussion: """
        The manifest goes to standard output. A header does not say who frees memory or how long an array is: \
        what was guessed, and what was left out, is told on standard error. Look both over before you serve it.

        The header is read by clang (Debian: apt-get install clang).

        Example:
          bridge-host manifest from-header /usr/include/zlib.h --library libz.so.1 > zlib.native.json
        """)

    @Argument(help: "The header. Functions of others that it includes are left alone.")
    var header: String

    @Option(
      help:
        "The library: a name that the system's loader finds, or a path beside the manifest, as ./libx.so."
    )
    var library: String

    @Option(help: "The plugin's name; the header's, without its end, if not given.")
    var plugin: String?

    @Option(help: "Take only functions whose names begin so.")
    var prefix = ""

    @Option(
      name: [.customShort("I"), .long],
      help: "A directory of headers that it includes; may be given several times.")
    var include: [String] = []

    @Option(help: "The program that reads the header.")
    var clang = "clang"

    func run() throws {
      let name = header.split(separator: "/").last.map(String.init) ?? header
      let plugin = plugin ?? String(name.prefix { $0 != "." })
      let draft = try failingPlainly {
        let tree = try HeaderReader(clang: clang, include: include).read(header)
        return ManifestDraft(
          tree, of: header, library: library, plugin: plugin, prefix: prefix)
      }
      for remark in draft.remarks { StandardError.writeLine(remark) }
      guard !draft.tools.isEmpty else {
        StandardError.writeLine("no function of \(header) can be described")
        throw ExitCode(1)
      }
      try failingPlainly {
        for line in draft.manifest.lines().split(separator: "\n") {
          try StandardOutput.writeLine(String(line))
        }
      }
    }
  }
}
