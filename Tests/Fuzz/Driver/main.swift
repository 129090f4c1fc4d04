// Mutates inputs of the readers of binary values until the time is over or something is wrong.
//
//   swift run -c release fuzz-binary-formats [SECONDS [SEED]]
//
// The same seed makes the same inputs, so a crash happens again at the same number of inputs.
import BinaryFormatsFuzzing

let arguments = CommandLine.arguments.dropFirst().map { UInt64($0) }
guard arguments.count <= 2, !arguments.contains(nil) else {
  fatalError("usage: fuzz-binary-formats [SECONDS [SEED]]")
}
let seconds = (arguments.first ?? nil) ?? 10
let seed = (arguments.dropFirst().first ?? nil) ?? 1

var mutator = Mutator(seed: seed)
var (inputs, taken) = (0, 0)
let clock = ContinuousClock()
let end = clock.now + .seconds(seconds)
while clock.now < end {
  for _ in 0..<1000 {
    let input = mutator.next()
    inputs += 1
    do {
      if try ReaderCheck.run(input) > 0 { taken += 1 }
    } catch {
      print("input \(inputs) of seed \(seed): \(error)\n\(input)")
      fatalError("a reader is wrong")
    }
  }
}
print("\(inputs) inputs of seed \(seed) in \(seconds) s, of which a reader took \(taken)")
