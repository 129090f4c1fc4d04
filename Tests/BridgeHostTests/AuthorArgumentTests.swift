import ArgumentParser
import Testing

@testable import BridgeHost

/// What authors type: times and variables.
@Suite struct AuthorArgumentTests {
  @Test(arguments: [
    ("2s", 2_000_000_000), ("50ms", 50_000_000), ("1.5m", 90_000_000_000), ("7us", 7000),
    ("3ns", 3),
    ("1h", 3_600_000_000_000), ("0s", 0),
  ])
  func timesHaveAUnit(text: String, nanoseconds: Int64) {
    #expect(DurationArgument(argument: text)?.nanoseconds == nanoseconds)
  }

  @Test(arguments: ["5", "s", "-1s", "1 s", "1d", "", "nans", "1e20s", "infs"])
  func whatIsNoTimeIsRefused(text: String) { #expect(DurationArgument(argument: text) == nil) }

  @Test(arguments: [
    ("a:float=1.5", "a", "float", "1.5"), ("a:string=", "a", "string", ""),
    ("ns:a:choice=b=c", "ns:a", "choice", "b=c"),
  ])
  func variablesHaveATypeAndAValue(text: String, name: String, type: String, value: String) throws {
    let variable = try #require(VariableArgument(argument: text))
    #expect(variable.name == name && variable.type.rawValue == type && variable.text == value)
  }

  @Test(arguments: ["a=1", "a:float", ":float=1", "a:text=1", "a:=1", ""])
  func whatIsNoVariableIsRefused(text: String) { #expect(VariableArgument(argument: text) == nil) }
}
