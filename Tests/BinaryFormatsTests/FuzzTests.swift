import BinaryFormatsFuzzing
import Testing

/// A short run of what `fuzz-binary-formats` does for as long as one wants.
@Suite struct FuzzTests {
  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func readersAreSoundForAnyBytes(seed: UInt64) throws {
    var mutator = Mutator(seed: seed)
    var taken = 0
    for _ in 0..<500 { taken += try ReaderCheck.run(mutator.next()) }
    // Were nothing taken any more, nothing would be tested.
    #expect(taken > 100)
  }
}
