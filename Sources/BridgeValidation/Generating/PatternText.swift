/// Makes a text up that a regular expression is likely to match, as far as it is a simple one: characters,
/// classes, groups, alternatives and repetitions.
struct PatternText {
  private let pattern: [Character]

  init(_ pattern: String) { self.pattern = Array(pattern) }

  /// A text.
  func text(_ random: inout SeededRandom) -> String {
    var place = 0
    return alternatives(&place, &random)
  }

  private func alternatives(_ place: inout Int, _ random: inout SeededRandom) -> String {
    var all = [sequence(&place, &random)]
    while place < pattern.count, pattern[place] == "|" {
      place += 1
      all.append(sequence(&place, &random))
    }
    return all[Int(random.next() % UInt64(all.count))]
  }

  private func sequence(_ place: inout Int, _ random: inout SeededRandom) -> String {
    var text = ""
    while place < pattern.count, pattern[place] != "|", pattern[place] != ")" {
      let start = place
      let once = atom(&place, &random)
      let end = place
      let count = repetition(&place, &random)
      guard count != 1 else {
        text += once
        continue
      }
      for _ in 0..<count {
        var again = start
        text += atom(&again, &random)
      }
      place = max(place, end)
    }
    return text
  }

  private func repetition(_ place: inout Int, _ random: inout SeededRandom) -> Int {
    guard place < pattern.count else { return 1 }
    var range: ClosedRange<Int>
    switch pattern[place] {
    case "*": range = 0...4
    case "+": range = 1...4
    case "?": range = 0...1
    case "{":
      guard let end = pattern[place...].firstIndex(of: "}") else { return 1 }
      let parts = String(pattern[(place + 1)..<end]).split(
        separator: ",", omittingEmptySubsequences: false)
      guard let least = parts.first.flatMap({ Int($0) }) else { return 1 }
      let most = parts.count > 1 ? Int(parts[1]) ?? least + 4 : least
      range = least...max(least, min(most, least + 16))
      place = end
    default: return 1
    }
    place += 1
    // Lazy and possessive ones repeat the same.
    if place < pattern.count, "?+".contains(pattern[place]) { place += 1 }
    return Int.random(in: range, using: &random)
  }

  private func atom(_ place: inout Int, _ random: inout SeededRandom) -> String {
    let character = pattern[place]
    place += 1
    switch character {
    case "^", "$": return ""
    case ".": return Self.one(of: Array("abcxyz019_"), &random)
    case "(":
      if place + 1 < pattern.count, pattern[place] == "?" {
        place += 1
        while place < pattern.count, !":>)".contains(pattern[place]) { place += 1 }
        if place < pattern.count, pattern[place] != ")" { place += 1 }
      }
      let text = alternatives(&place, &random)
      if place < pattern.count { place += 1 }
      return text
    case "[": return one(ofClass: &place, &random)
    case "\\":
      guard place < pattern.count else { return "" }
      place += 1
      return Self.escaped(pattern[place - 1], &random)
    default: return String(character)
    }
  }

  private static func escaped(_ character: Character, _ random: inout SeededRandom) -> String {
    switch character {
    case "d": one(of: Array("0123456789"), &random)
    case "w": one(of: Array("abcxyzABC019_"), &random)
    case "s": " "
    case "D", "S", "W": character == "W" ? "-" : "x"
    case "n": "\n"
    case "t": "\t"
    case "b", "B", "A", "z", "Z": ""
    default: String(character)
    }
  }

  private func one(ofClass place: inout Int, _ random: inout SeededRandom) -> String {
    var isNegated = false
    if place < pattern.count, pattern[place] == "^" {
      isNegated = true
      place += 1
    }
    var members: [Character] = []
    var isFirst = true
    while place < pattern.count, isFirst || pattern[place] != "]" {
      isFirst = false
      var character = pattern[place]
      place += 1
      if character == "\\", place < pattern.count {
        members += Array(Self.escaped(pattern[place], &random))
        character = members.last ?? "\\"
        place += 1
        continue
      }
      if place + 1 < pattern.count, pattern[place] == "-", pattern[place + 1] != "]",
        let low = character.unicodeScalars.first?.value,
        let high = pattern[place + 1].unicodeScalars.first?.value, low <= high
      {
        for value in low...min(high, low + 256) {
          if let scalar = Unicode.Scalar(value) { members.append(Character(scalar)) }
        }
        place += 2
        continue
      }
      members.append(character)
    }
    if place < pattern.count { place += 1 }
    if isNegated {
      members = Array("abcxyz019_-~ A").filter { !members.contains($0) }
    }
    return Self.one(of: members, &random)
  }

  private static func one(of members: [Character], _ random: inout SeededRandom) -> String {
    members.isEmpty ? "" : String(members[Int(random.next() % UInt64(members.count))])
  }
}
