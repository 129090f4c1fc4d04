import Testing

@testable import BridgeSessions

@Suite struct ExactNumberTests {
  @Test func numbersAreWrittenAsClientsWriteThem() {
    let texts: [(ExactNumber, String)] = [
      (.integer(-9_007_199_254_740_993), "-9007199254740993"),
      (.unsigned(.max), "18446744073709551615"), (.float(1.5), "1.5"), (.float(2), "2.0"),
      (.float(.infinity), "Infinity"), (.float(-.infinity), "-Infinity"), (.float(.nan), "NaN"),
    ]
    for (number, text) in texts { #expect(number.text == text) }
  }

  @Test func besideFloatsWholeNumbersAreFloats() {
    #expect(ExactNumber.integer(2).text(beside: .float(1.5)) == "2.0")
    #expect(ExactNumber.integer(2).text(beside: .integer(1)) == "2")
    // One that no float is stays exact.
    #expect(
      ExactNumber.integer(9_007_199_254_740_993).text(beside: .float(1)) == "9007199254740993")
    #expect(ExactNumber.float(0.5).text(beside: .integer(1)) == "0.5")
  }

  @Test func theOrderIsThatOfTheNumbers() {
    // 2^53 + 1 is no double, and is between two of them.
    let rising: [ExactNumber] = [
      .float(-.infinity), .integer(.min), .float(-1.5), .integer(-1), .float(-0.5), .integer(0),
      .float(0.5), .integer(1), .float(0x1p53), .integer(1 << 53 + 1), .float(0x1p53 + 2),
      .integer(.max), .unsigned(.max), .float(0x1p64), .float(.infinity),
    ]
    for (index, left) in rising.enumerated() {
      for (other, right) in rising.enumerated() {
        #expect((left < right) == (index < other), "\(left) < \(right)")
      }
      #expect(!(left < .float(.nan)) && !(.float(.nan) < left))
    }
    #expect(!(ExactNumber.integer(1) < .float(1)) && !(ExactNumber.float(1) < .integer(1)))
  }
}
