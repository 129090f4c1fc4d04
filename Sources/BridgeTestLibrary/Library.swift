public import BridgePluginABI
internal import BridgeTestHost
internal import Glibc
internal import JSON
internal import Threads

// The functions of bridge_plugin_testing.h, which says what they do.

/// What a `bridge_test_host` is.
private final class Library: Sendable {
  let requests: TestHostRequests
  private let failures = Locked(0)

  init(_ host: TestHost) { requests = TestHostRequests(host) }

  var failureCount: Int { failures.withLock { $0 } }

  /// Says what is not as expected.
  ///
  /// - Returns: 1.
  func fail(_ message: String) -> CInt {
    failures.withLock { $0 += 1 }
    say(message)
    return 1
  }

  /// Makes a request that is expected to succeed.
  ///
  /// - Returns: 0 or 1, for the caller.
  func expect(_ members: [JSON.Member], _ what: String) -> CInt {
    let answer = requests.answer(JSON.object(members).text)
    guard let json = try? JSON(parsing: answer), case .boolean(true)? = json["ok"] else {
      return fail("\(what): \(Self.message(in: answer))")
    }
    return 0
  }

  /// Calls a tool.
  ///
  /// - Returns: The answer, and whether the record is one of a call that was made.
  func call(_ tool: String, _ arguments: String?) -> JSON? {
    guard let arguments = try? JSON(parsing: arguments ?? "{}") else {
      _ = fail("\(tool): the arguments are no JSON")
      return nil
    }
    let answer = requests.answer(
      JSON.object([
        .init(key: "do", value: .string("call")), .init(key: "tool", value: .string(tool)),
        .init(key: "arguments", value: arguments),
      ]).text)
    guard let record = try? JSON(parsing: answer) else { return nil }
    if record["tool"] == nil {
      _ = fail("\(tool) cannot be called: \(Self.message(in: answer))")
      return nil
    }
    if case .array(let violations)? = record["violations"] {
      for violation in violations {
        _ = fail("\(tool) breaks a rule of the ABI: \(Self.text(violation["message"]))")
      }
    }
    return record
  }

  static func message(in answer: String) -> String {
    guard let error = (try? JSON(parsing: answer))?["error"] else { return answer }
    return text(error["message"])
  }

  static func text(_ json: JSON?) -> String {
    if case .string(let text)? = json { text } else { json?.text ?? "" }
  }
}

private func say(_ message: String) {
  let line = Array("bridge_plugin_testing: \(message)\n".utf8)
  // What cannot be said is lost; the caller is told by what is returned.
  _ = write(STDERR_FILENO, line, line.count)
}

private func library(_ host: OpaquePointer?) -> Library? {
  host.map { Unmanaged<Library>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
}

private func copy(_ text: String) -> UnsafeMutablePointer<CChar>? { strdup(text) }

private func string(_ text: UnsafePointer<CChar>?) -> String? { text.map { String(cString: $0) } }

/// See bridge_plugin_testing.h.
@c(bridge_test_host_new)
public func newHost(_ options: UnsafePointer<CChar>?) -> OpaquePointer? {
  do throws(TestHostError) {
    let configuration = try TestHost.Configuration(json: string(options) ?? "{}")
    return OpaquePointer(Unmanaged.passRetained(Library(TestHost(configuration))).toOpaque())
  } catch {
    say("\(error)")
    return nil
  }
}

/// See bridge_plugin_testing.h.
@c(bridge_test_host_delete)
public func deleteHost(_ host: OpaquePointer?) -> CInt {
  guard let host else { return 0 }
  let library = Unmanaged<Library>.fromOpaque(UnsafeRawPointer(host)).takeRetainedValue()
  for violation in library.requests.host.takeViolations() {
    _ = library.fail("a rule of the ABI is broken: \(violation.message)")
  }
  return CInt(clamping: library.failureCount)
}

/// See bridge_plugin_testing.h.
@c(bridge_test_free)
public func freeText(_ text: UnsafeMutablePointer<CChar>?) { free(text) }

/// See bridge_plugin_testing.h.
@c(bridge_test_request)
public func request(
  _ host: OpaquePointer?, _ request: UnsafePointer<CChar>?
) -> UnsafeMutablePointer<CChar>? {
  guard let library = library(host), let request = string(request) else { return nil }
  return copy(library.requests.answer(request))
}

/// See bridge_plugin_testing.h.
@c(bridge_test_load)
public func load(_ host: OpaquePointer?, _ path: UnsafePointer<CChar>?) -> CInt {
  guard let library = library(host), let path = string(path) else { return 1 }
  return library.expect(
    [.init(key: "do", value: .string("load")), .init(key: "path", value: .string(path))],
    "\(path) cannot be loaded")
}

/// See bridge_plugin_testing.h.
@c(bridge_test_enter)
public func enter(
  _ host: OpaquePointer?, _ entry: bridge_plugin_entry_function?, _ name: UnsafePointer<CChar>?,
  _ configuration: UnsafePointer<CChar>?
) -> CInt {
  guard let library = library(host), let entry else { return 1 }
  do throws(TestHostError) {
    try library.requests.host.load(
      entry: entry, as: string(name) ?? "plugin", configuration: string(configuration))
    return 0
  } catch {
    return library.fail("\(error)")
  }
}

/// See bridge_plugin_testing.h.
@c(bridge_test_define)
public func define(
  _ host: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ type: UnsafePointer<CChar>?,
  _ value: UnsafePointer<CChar>?
) -> CInt {
  guard let library = library(host), let name = string(name), let type = string(type),
    let value = string(value)
  else { return 1 }
  guard let json = try? JSON(parsing: value) else {
    return library.fail("the value of \(name) is no JSON: \(value)")
  }
  return library.expect(
    [
      .init(key: "do", value: .string("define")), .init(key: "name", value: .string(name)),
      .init(key: "type", value: .string(type)), .init(key: "value", value: json),
    ], "the variable \(name) cannot be made")
}

/// See bridge_plugin_testing.h.
@c(bridge_test_call)
public func call(
  _ host: OpaquePointer?, _ tool: UnsafePointer<CChar>?, _ arguments: UnsafePointer<CChar>?
) -> UnsafeMutablePointer<CChar>? {
  guard let library = library(host), let tool = string(tool) else { return nil }
  return library.call(tool, string(arguments)).flatMap { copy($0.text) }
}

/// See bridge_plugin_testing.h.
@c(bridge_test_part)
public func part(
  _ json: UnsafePointer<CChar>?, _ pointer: UnsafePointer<CChar>?
) -> UnsafeMutablePointer<CChar>? {
  guard let json = string(json), let pointer = string(pointer),
    let whole = try? JSON(parsing: json)
  else { return nil }
  return whole.part(at: pointer).flatMap { copy($0.text) }
}

/// See bridge_plugin_testing.h.
@c(bridge_test_expect_result)
public func expectResult(
  _ host: OpaquePointer?, _ tool: UnsafePointer<CChar>?, _ arguments: UnsafePointer<CChar>?,
  _ result: UnsafePointer<CChar>?
) -> CInt {
  guard let library = library(host), let tool = string(tool), let result = string(result) else {
    return 1
  }
  let failuresBefore = library.failureCount
  guard let record = library.call(tool, string(arguments)) else { return 1 }
  guard let expected = try? JSON(parsing: result) else {
    return library.fail("the expected result of \(tool) is no JSON: \(result)")
  }
  if let error = record["error"] {
    return library.fail("\(tool) failed: \(Library.text(error["message"]))")
  }
  guard let actual = record["result"], actual.isSame(as: expected) else {
    return library.fail(
      "\(tool) answered otherwise\n  - \(expected.text)\n  + \(record["result"]?.text ?? "")")
  }
  return library.failureCount == failuresBefore ? 0 : 1
}

/// See bridge_plugin_testing.h.
@c(bridge_test_expect_failure)
public func expectFailure(
  _ host: OpaquePointer?, _ tool: UnsafePointer<CChar>?, _ arguments: UnsafePointer<CChar>?,
  _ status: bridge_status, _ part: UnsafePointer<CChar>?
) -> CInt {
  guard let library = library(host), let tool = string(tool) else { return 1 }
  let failuresBefore = library.failureCount
  guard let record = library.call(tool, string(arguments)) else { return 1 }
  guard let error = record["error"] else {
    return library.fail("\(tool) was to fail, and answered \(record["result"]?.text ?? "")")
  }
  let message = Library.text(error["message"])
  guard case .integer(Int64(status))? = error["code"] else {
    return library.fail(
      "\(tool) failed with \(Library.text(error["status"])), not \(status): \(message)")
  }
  if let part = string(part), !message.contains(part) {
    return library.fail(
      "\(tool) failed with another message\n  - …\(part)…\n  + \(message)")
  }
  return library.failureCount == failuresBefore ? 0 : 1
}

/// See bridge_plugin_testing.h.
@c(bridge_test_expect_variable)
public func expectVariable(
  _ host: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafePointer<CChar>?
) -> CInt {
  guard let library = library(host), let name = string(name), let value = string(value) else {
    return 1
  }
  guard let expected = try? JSON(parsing: value) else {
    return library.fail("the expected value of \(name) is no JSON: \(value)")
  }
  do throws(TestHostError) {
    let variable = try library.requests.host.session.variable(name)
    guard let actual = try? JSON(parsing: variable.value.jsonText), actual.isSame(as: expected)
    else {
      return library.fail("\(variable.line) is not as expected\n  - \(value)")
    }
    return 0
  } catch {
    return library.fail("\(error)")
  }
}

extension JSON {
  /// A part of it by its JSON Pointer; nil where there is none.
  ///
  /// Source: RFC 6901.
  fileprivate func part(at pointer: String) -> JSON? {
    if pointer.isEmpty { return self }
    guard pointer.hasPrefix("/") else { return nil }
    var place = self
    for step in pointer.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
      let key = String(step).replacing("~1", with: "/").replacing("~0", with: "~")
      switch place {
      case .object:
        guard let member = place[key] else { return nil }
        place = member
      case .array(let elements):
        guard let index = Int(key), elements.indices.contains(index) else { return nil }
        place = elements[index]
      default: return nil
      }
    }
    return place
  }

  /// Whether both say the same: 1 and 1.0 do, and the order of members counts for nothing.
  fileprivate func isSame(as other: JSON) -> Bool {
    switch (self, other) {
    case (.array(let left), .array(let right)):
      return left.count == right.count && zip(left, right).allSatisfy { $0.isSame(as: $1) }
    case (.object(let left), .object(let right)):
      return left.count == right.count
        && left.allSatisfy { member in other[member.key]?.isSame(as: member.value) == true }
    default:
      if let left = number, let right = other.number { return left == right }
      return self == other
    }
  }

  private var number: Double? {
    switch self {
    case .integer(let number): Double(number)
    case .unsigned(let number): Double(number)
    case .number(let number): number
    default: nil
    }
  }
}
