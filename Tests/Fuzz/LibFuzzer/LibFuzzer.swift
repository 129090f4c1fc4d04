internal import FuzzTargets
internal import Glibc

// What libFuzzer calls; `Scripts/fuzz` builds and runs it. FUZZ_TARGET names the target.
//
// Source: https://llvm.org/docs/LibFuzzer.html (Fuzz Target)

private let target: FuzzTarget = {
  let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
  guard let target = FuzzTarget(rawValue: name) else {
    let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")
    fatalError("FUZZ_TARGET is \"\(name)\", it must be one of: \(names)")
  }
  return target
}()

@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  do {
    try target.run(Array(UnsafeBufferPointer(start: data, count: size)))
  } catch {
    fatalError("\(error)")
  }
  return 0
}
