/// Numbers that look random and are the same for the same seed, on every machine.
///
/// Source: https://prng.di.unimi.it/splitmix64.c
package struct SeededRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Numbers of a seed.
  package init(_ seed: UInt64) { state = seed }

  /// Numbers of a seed for one purpose, apart from those for others.
  init(_ seed: UInt64, for purpose: String) {
    // FNV-1a.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in purpose.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    self.init(seed &* 0x9E37_79B9_7F4A_7C15 ^ hash)
  }

  /// The next number.
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// True once in so many times.
  mutating func once(in times: UInt64) -> Bool { next() % times == 0 }
}
