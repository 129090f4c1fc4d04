@_exported public import BridgeTestHost
public import Testing

/// Gives each test a host of its own with a plugin loaded; see `Trait.plugin`.
public struct PluginTrait: TestTrait, SuiteTrait, TestScoping {
  private let configuration: TestHost.Configuration
  private let makeClock: (@Sendable () -> TestClock)?
  private let load: @Sendable (TestHost) throws -> Void

  /// Whether the tests of a suite, and of suites in it, each have a host.
  public var isRecursive: Bool { true }

  init(
    _ configuration: TestHost.Configuration, _ makeClock: (@Sendable () -> TestClock)?,
    load: @escaping @Sendable (TestHost) throws -> Void
  ) {
    self.configuration = configuration
    self.makeClock = makeClock
    self.load = load
  }

  /// Runs a test with its host, and makes rules of the ABI that were broken issues of the test.
  public func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    var configuration = configuration
    configuration.clock = makeClock?()
    let host = TestHost(configuration)
    try load(host)
    try await TestHost.$scoped.withValue(host) { try await function() }
    for violation in host.takeViolations() {
      Issue.record("a rule of the ABI is broken: \(violation.message)")
    }
  }
}

extension Trait where Self == PluginTrait {
  /// Loads a shared object or a manifest into a host that the test has for itself: `TestHost.current`.
  ///
  ///     @Test(.plugin("./libweather.so")) func warmDays() throws {
  ///       let host = TestHost.current
  ///       try host.session.define("temperature", 21.5)
  ///       try host.expectResult("forecast", ["days": 3], "warm")
  ///     }
  ///
  /// - Parameters:
  ///   - path: Of a `.so` or a `.native.json`.
  ///   - configuration: The plugin's own, a JSON object; nil gives none.
  ///   - clock: Made for each test; nil is the real clock.
  public static func plugin(
    _ path: String, configuration: String? = nil,
    clock: (@Sendable () -> TestClock)? = nil
  ) -> PluginTrait {
    PluginTrait(TestHost.Configuration(), clock) { try $0.load(path, configuration: configuration) }
  }

  /// Enters a plugin that is linked into the test: `.plugin(entry: enter)`.
  ///
  /// - Parameters:
  ///   - entry: Its `bridge_plugin_entry`.
  ///   - configuration: The plugin's own, a JSON object; nil gives none.
  ///   - clock: Made for each test; nil is the real clock.
  public static func plugin(
    entry: @escaping TestHost.Entry, configuration: String? = nil,
    clock: (@Sendable () -> TestClock)? = nil
  ) -> PluginTrait {
    PluginTrait(TestHost.Configuration(), clock) {
      try $0.load(entry: entry, configuration: configuration)
    }
  }
}

extension TestHost {
  @TaskLocal fileprivate static var scoped: TestHost?

  /// The host of the test that runs; a test without the trait `plugin` has none, which ends the process.
  public static var current: TestHost {
    guard let scoped else {
      preconditionFailure("the test has no host: give it the trait .plugin(…)")
    }
    return scoped
  }
}
