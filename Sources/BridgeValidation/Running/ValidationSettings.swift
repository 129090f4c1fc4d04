/// How a plugin is looked at.
package struct ValidationSettings: Sendable {
  /// Tests up to this level are done, from 1 to 10.
  package var level = 5
  /// Names of the tests that are done alone; empty for all of the level.
  package var only: Set<String> = []
  /// What all that is random comes from.
  package var seed: UInt64 = 1
  /// Seconds after which the process of a test is ended.
  package var timeout = 60.0
  /// Seconds within which a call that is cancelled, or past its deadline, is to end.
  package var grace = 5.0
  /// Seconds that fuzzing may take.
  package var fuzzTime = 10.0
  /// How many tests are done at once.
  package var jobs = 2
  /// How many bytes the heap of this process has given out.
  package var heapBytes: @Sendable () -> Int = { 0 }

  /// The usual ones.
  package init() {}
}
