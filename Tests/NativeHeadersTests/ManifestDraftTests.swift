import BridgePluginHost
import BridgeTools
import Glibc
import JSON
import Logging
import Testing

@testable import NativeHeaders

@Suite struct ManifestDraftTests {
  private func draft(
    _ header: String, library: String = "libm.so.6", prefix: String = ""
  ) throws -> ManifestDraft {
    let tree = try HeaderReader(clang: "clang").read(header)
    return ManifestDraft(tree, of: header, library: library, plugin: "p", prefix: prefix)
  }

  /// A draft of a header with these lines.
  private func draft(lines: String) throws -> ManifestDraft {
    var name = Array("/tmp/bridge-header-XXXXXX.h".utf8CString)
    let file = mkstemps(&name, 2)
    try #require(file >= 0)
    let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { unlink(path) }
    let text = "#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n\(lines)\n"
    #expect(write(file, text, text.utf8.count) == text.utf8.count)
    close(file)
    return try draft(path)
  }

  private func tool(_ name: String, in draft: ManifestDraft) throws -> String {
    guard case .array(let tools)? = draft.manifest["tools"] else { return "" }
    return try #require(tools.first { $0["name"] == .string(name) }).text
  }

  @Test(arguments: [
    (
      "double f(int a, unsigned char b, size_t c, bool d, float e, int64_t g, long h);",
      #""parameters":[{"name":"a","type":"int32"},{"name":"b","type":"uint8"},{"name":"c","type":"size_t"},"#
        + #"{"name":"d","type":"bool"},{"name":"e","type":"float"},{"name":"g","type":"int64"},"#
        + #"{"name":"h","type":"int64"}],"returns":{"type":"double"}}"#
    ),
    (
      "typedef enum {A, B} kind; enum other {C}; kind f(enum other);",
      #"{"name":"argument1","type":"int32"}],"returns":{"type":"int32"}}"#
    ),
    (
      "const char *f(const char *const text);",
      #"{"name":"text","type":"string"}],"returns":{"type":"string"}}"#
    ),
    (
      "double f(const double *numbers, unsigned count);",
      #"{"name":"numbers","type":"double[]","const":true},{"name":"count","type":"uint32","length_of":"numbers"}"#
    ),
    (
      "uint32_t f(const void *data, size_t data_len);",
      #"{"name":"data","type":"bytes","const":true},{"name":"data_len","type":"size_t","length_of":"data"}"#
    ),
    (
      "int f(unsigned char *to, unsigned long *toLen);",
      #"{"name":"to","type":"bytes","direction":"out","capacity":65536},"#
        + #"{"name":"toLen","type":"uint64","direction":"inout","length_of":"to"}],"#
        + #""returns":{"type":"int32"},"error":{"when":"nonzero"}}"#
    ),
    (
      "void f(int *numbers, int n);",
      #"{"name":"numbers","type":"int32[]","direction":"inout"},{"name":"n","type":"int32","length_of":"numbers"}"#
    ),
    ("void f(double *result);", #"{"name":"result","type":"double","direction":"out"}"#),
    (
      "typedef struct {double x, y;} point; point f(point a, const point *b);",
      #"{"name":"a","type":"struct point"},{"name":"b","type":"struct point*"}],"returns":{"type":"struct point"}}"#
    ),
    (
      "typedef struct db *db_t; int f(const char *name, db_t *db); void db_close(db_t db);",
      #"{"name":"db","type":"handle db","direction":"out"}],"returns":{"type":"int32"}}"#
    ),
    (
      "/// Adds\n/// numbers.\nint f(void);",
      #""description":"Adds numbers.","returns":{"type":"int32"}}"#
    ),
  ])
  func whatATypeStandsForIsWritten(header: String, expected: String) throws {
    let draft = try draft(lines: header)
    let tool = try tool("f", in: draft)
    #expect(tool.contains(expected), "\(tool), \(draft.remarks)")
  }

  @Test(arguments: [
    ("int f(const char *format, ...);", "it takes a variable number of arguments"),
    ("static inline int f(int a) { return a; }", "it is inline"),
    ("long double f(void);", "it returns memory"),
    ("void f(long double number);", "number has a type that no manifest describes, long double"),
    (
      "union u {int a; float b;}; void f(union u u);",
      "u has a type that no manifest describes, union u"
    ),
    (
      "struct s {int a : 3;}; void f(struct s s);",
      "s is a struct s, which no manifest describes: a has a width in bits"
    ),
    (
      "struct s {char *text;}; void f(struct s *s);",
      "which no manifest describes: its field text is no number"
    ),
    ("void f(void (*callback)(int));", "callback is a callback"),
    ("void f(const double *numbers);", "nobody says how many elements numbers has"),
    ("void f(char **texts);", "texts leads to a pointer or an array"),
    ("void f(void *context);", "nobody says what context leads to"),
    ("char *f(void);", "nobody says how much it is and who frees it"),
    ("struct s; void f(struct s *s);", "no function is seen to free it"),
    ("long f(void *buffer, size_t size);", "it answers bytes and something else"),
    (
      "size_t f(const void *data, size_t size, size_t nitems);",
      "size and nitems may both say how long data is"
    ),
  ])
  func whatCannotBeSaidIsLeftOut(header: String, reason: String) throws {
    let draft = try draft(lines: header + "\nint other(void);")
    #expect(draft.tools == ["other"])
    #expect(
      draft.remarks.contains { $0.hasPrefix("f is left out: ") && $0.contains(reason) },
      "\(draft.remarks)")
  }

  @Test func structsInOthersComeBeforeThem() throws {
    let draft = try draft(
      lines:
        "struct a {double x[2];}; struct unused {int a;}; struct b {struct a a; uint8_t n;}; void f(struct b b);"
    )
    #expect(
      draft.manifest["structs"]?.text
        == #"{"a":{"fields":[{"name":"x","type":"double[2]"}]},"#
        + #""b":{"fields":[{"name":"a","type":"struct a"},{"name":"n","type":"uint8"}]}}"#)
  }

  @Test func functionsOfOtherHeadersAreLeftAlone() throws {
    let draft = try draft(lines: "#include <math.h>\nint f(void);\nint g(void);")
    #expect(draft.tools == ["f", "g"])
  }

  /// The draft of the system's zlib is loaded, and its functions are there.
  @Test func aDraftOfZlibIsServed() throws {
    let draft = try draft("/usr/include/zlib.h", library: "libz.so.1")
    for name in ["zlibVersion", "compress", "compressBound", "crc32", "gzopen", "gzclose"] {
      #expect(draft.tools.contains(name), "\(draft.remarks)")
    }
    #expect(!draft.tools.contains("gzprintf") && !draft.tools.contains("deflate"))
    #expect(
      draft.remarks.contains { $0.hasPrefix("deflate is left out: strm is a struct z_stream_s") })
    let text = draft.manifest.lines()
    #expect(try JSON(parsing: text) == draft.manifest)
    var directory = Array("/tmp/bridge-header-XXXXXX".utf8CString)
    let path = String(cString: mkdtemp(&directory)) + "/z.native.json"
    let file = try #require(fopen(path, "w"))
    fputs(text, file)
    fclose(file)
    chmod(path, 0o644)
    defer {
      unlink(path)
      rmdir(&directory)
    }
    let tools = ToolHost(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let loaded = try PluginHost(tools: tools, isIsolated: true).load(path, LoadOptions())
    #expect(Set(loaded) == Set(draft.tools))
  }

  @Test func whatIsNoHeaderIsToldByClang() throws {
    let reader = HeaderReader(clang: "clang")
    #expect(throws: HeaderReader.Fault.self) { try reader.read("/nonexistent.h") }
    let missing = #expect(throws: HeaderReader.Fault.self) {
      try HeaderReader(clang: "no-such-clang").read("/usr/include/zlib.h")
    }
    #expect(missing?.description.contains("apt-get install clang") == true)
  }
}
