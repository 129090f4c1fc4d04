import BridgePluginHost
import BridgeTools
import Glibc
import JSON
import Testing

@testable import BridgePlugins

/// `docs/schemas/plugin-settings.schema.json` says of the settings what their reader says.
@Suite struct SettingsSchemaTests {
  private let schema: JSON

  init() throws {
    let path = "\(Fixture.project)/docs/schemas/plugin-settings.schema.json"
    let file = try #require(fopen(path, "r"))
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = fread(&bytes, 1, bytes.count, file)
    schema = try JSON(parsing: Array(bytes.prefix(count)))
  }

  private func keys(_ object: JSON?) -> Set<String> {
    guard case .object(let members) = object else { return [] }
    return Set(members.map(\.key))
  }

  @Test func itHasTheKeysOfTheReader() {
    let properties = schema["properties"]
    #expect(keys(properties) == PluginSettings.keys)
    #expect(keys(properties?["limits"]?["properties"]) == PluginSettings.limits)
  }

  private static let digest = String(repeating: "0aF1", count: 16)

  private static let good = [
    "{}", #"{"enabled": false}"#, #"{"configuration": {}}"#,
    #"{"configuration": {"a": [1, {"b": null}], "from_env": 1, "c": {"from_file": 1, "d": 2}}}"#,
    #"{"configuration": {"a": {"from_env": "PATH"}}}"#,
    #"{"configuration": {"a": [[{"from_file": "secret.txt"}]]}}"#,
    #"{"profile": "none"}"#, #"{"profile": "default"}"#,
    #"{"profile": ["no-network", "read-only-files"]}"#, #"{"profile": ["none"]}"#,
    #"{"isolation": "in-process"}"#, #"{"isolation": "child"}"#, #"{"isolation": "per-call"}"#,
    #"{"inline": false}"#, #"{"sha256": "\#(digest)"}"#,
    #"{"sha256": {"x.so": "\#(digest)", "libz.so": "\#(digest)"}}"#, #"{"tools": ["a", "b.c-_9"]}"#,
    #"{"prefix": "x."}"#, #"{"renames": {"a": "b"}}"#, #"{"grace_seconds": 0}"#,
    #"{"grace_seconds": 3600.0}"#, #"{"start_seconds": 0.001}"#, #"{"start_seconds": 3600}"#,
    #"{"concurrency": 1}"#, #"{"concurrency": 10000}"#, #"{"concurrency": 2.0}"#,
    #"{"waiting_calls": 0}"#, #"{"waiting_calls": 1000000}"#, #"{"limits": {}}"#,
    #"{"limits": {"memory_bytes": 1, "cpu_seconds": 1, "open_files": 1, "processes": 1}}"#,
    #"{"limits": {"cpus": 0.01}}"#, #"{"limits": {"cpus": 1024}}"#,
    #"{"limits": {"memory_bytes": 9223372036854775807}}"#,
  ]

  private static let bad = [
    "[]", "1", "null", #"{"Enabled": true}"#, #"{"enabled": "true"}"#, #"{"enabled": null}"#,
    #"{"configuration": []}"#, #"{"configuration": {"from_env": "PATH"}}"#,
    #"{"configuration": {"from_file": 1}}"#, #"{"configuration": {"a": {"from_env": ""}}}"#,
    #"{"configuration": {"a": [{"from_file": 1}]}}"#,
    #"{"configuration": {"a": {"from_env": "A\u0000"}}}"#,
    #"{"profile": "no_network"}"#, #"{"profile": []}"#, #"{"profile": ["none", "default"]}"#,
    #"{"profile": ["default", "default"]}"#, #"{"profile": [1]}"#, #"{"profile": true}"#,
    #"{"isolation": "none"}"#, #"{"isolation": 1}"#, #"{"inline": 1}"#, #"{"sha256": ""}"#,
    #"{"sha256": "\#(digest)0"}"#, #"{"sha256": "x\#(digest.dropFirst())"}"#, #"{"sha256": {}}"#,
    #"{"sha256": {"a.so": 1}}"#, #"{"sha256": 1}"#, #"{"tools": []}"#, #"{"tools": ["a", "a"]}"#,
    #"{"tools": ["a b"]}"#, #"{"tools": [1]}"#, #"{"tools": "a"}"#, #"{"prefix": ""}"#,
    #"{"prefix": "a/"}"#, #"{"prefix": 1}"#, #"{"renames": {}}"#, #"{"renames": {"a": ""}}"#,
    #"{"renames": ["a"]}"#, #"{"grace_seconds": -0.1}"#, #"{"grace_seconds": 3600.5}"#,
    #"{"grace_seconds": "1"}"#, #"{"start_seconds": 0}"#, #"{"start_seconds": 3601}"#,
    #"{"concurrency": 0}"#, #"{"concurrency": 10001}"#, #"{"concurrency": 1.5}"#,
    #"{"waiting_calls": -1}"#, #"{"waiting_calls": 1000001}"#, #"{"limits": []}"#,
    #"{"limits": {"memory": 1}}"#, #"{"limits": {"memory_bytes": 0}}"#,
    #"{"limits": {"cpus": 0}}"#, #"{"limits": {"cpus": 1024.5}}"#, #"{"limits": {"cpus": "1"}}"#,
    #"{"limits": {"cpu_seconds": 0.5}}"#, #"{"limits": {"open_files": "1"}}"#,
    #"{"limits": {"processes": 9223372036854775808}}"#, #"{"unknown": 1}"#,
  ]

  @Test func itTakesWhatTheReaderTakes() throws {
    let compiled = try JSONSchema(schema)
    let scratch = Scratch()
    scratch.write("secret.txt", "s\n", mode: 0o600)
    for (settings, isGood) in Self.good.map({ ($0, true) }) + Self.bad.map({ ($0, false) }) {
      scratch.write("x.plugin.json", settings)
      let isRead = (try? PluginSettings(beside: "\(scratch.path)/x.so")) != nil
      let faults = try compiled.faults(inText: Array(settings.utf8))
      #expect(isRead == isGood, "the reader, of \(settings)")
      #expect(faults.isEmpty == isGood, "the schema, of \(settings): \(faults)")
    }
    // Every key is in one of each kind.
    for key in PluginSettings.keys.union(PluginSettings.limits) {
      #expect(Self.good.contains { $0.contains("\"\(key)\"") }, "\(key)")
    }
  }
}
