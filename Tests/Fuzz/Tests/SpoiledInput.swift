/// Numbers that depend on nothing but the seed (SplitMix64), so that a failure comes again.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }

  mutating func chance(_ oneIn: Int) -> Bool { below(oneIn) == 0 }

  mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &self) }
  }

  mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }
}

/// Spoils inputs.
enum Mutator {
  private static let numbers: [[UInt8]] = [
    [0], [1], [127], [128], [255], [0, 0], [255, 255], [0, 0, 0, 0], [255, 255, 255, 255],
    [127, 255, 255, 255], [128, 0, 0, 0], [0, 0, 0, 5],
  ]

  static func mutate(
    _ input: [UInt8], with others: [[UInt8]], using random: inout SeededGenerator
  ) -> [UInt8] {
    var bytes = input
    for _ in 0...random.below(4) {
      let place = bytes.isEmpty ? 0 : random.below(bytes.count)
      let end = min(bytes.count, place + 1 + random.below(16))
      switch random.below(7) {
      case 0 where !bytes.isEmpty: bytes[place] ^= 1 << UInt8(random.below(8))
      case 1:
        let number = random.pick(numbers)
        bytes.replaceSubrange(place..<min(bytes.count, place + number.count), with: number)
      case 2: bytes.insert(contentsOf: random.bytes(1 + random.below(8)), at: place)
      case 3: bytes.removeSubrange(place..<end)
      case 4: bytes.insert(contentsOf: bytes[place..<end], at: place)
      case 5: bytes.removeSubrange(place...)
      default:
        let other = random.pick(others)
        guard !other.isEmpty else { continue }
        let start = random.below(other.count)
        bytes.insert(contentsOf: other[start..<min(other.count, start + 64)], at: place)
      }
    }
    return bytes
  }
}
