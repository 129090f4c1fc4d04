"""The Swift that lets many mistakes be built at once, and one of them be planted when a program starts.

Each module gets a file with `mutant`, which is true for the mistake that the environment plants, and with
an operator of its own for each mistake that takes one infix operator for another: `a < b` becomes
`a <∘∙ b`, so that nobody has to find where `a` begins and `b` ends.
"""

# Numbers in the environment: the mistake to plant, and the directory that gets an entry for each mistake
# whose place was reached.
PLANTED, REACHED = "BRIDGE_MUTANT", "BRIDGE_MUTANTS_REACHED"
FILE = "Mutants.swift"

# The two functions of libc are declared here, since not every module may import it; under names that no
# module uses, since two declarations of one symbol do not mix. A symbolic link takes no descriptor.
COMMON = f'''\
@_silgen_name("secure_getenv")
private func environmentValue(_ name: UnsafePointer<CChar>) -> UnsafePointer<CChar>?
@_silgen_name("symlink")
private func makeLink(_ target: UnsafePointer<CChar>, _ path: UnsafePointer<CChar>) -> CInt

private let planted = environmentValue("{PLANTED}").flatMap {{ Int(String(cString: $0)) }} ?? 0
private let reachedDirectory = environmentValue("{REACHED}").map {{ String(cString: $0) }}
private nonisolated(unsafe) let reached = {{
  let flags = UnsafeMutablePointer<Bool>.allocate(capacity: COUNT)
  flags.initialize(repeating: false, count: COUNT)
  return flags
}}()

@inline(never)
func mutant(_ number: Int) -> Bool {{
  if let reachedDirectory, !reached[number] {{
    reached[number] = true
    _ = makeLink("reached", "\\(reachedDirectory)/\\(number)")
  }}
  return number == planted
}}

func mutant<Value>(_ number: Int, _ changed: @autoclosure () -> Value, _ original: @autoclosure () -> Value)
  -> Value
{{
  mutant(number) ? changed() : original()
}}
'''

COMPARISON = '''
infix operator NAME: ComparisonPrecedence
func NAME <Value: Comparable>(a: Value, b: Value) -> Bool {
  mutant(NUMBER) ? a AFTER b : a BEFORE b
}
@_disfavoredOverload
func NAME <A: BinaryInteger, B: BinaryInteger>(a: A, b: B) -> Bool {
  mutant(NUMBER) ? a AFTER b : a BEFORE b
}
'''
EQUALITY = '''
infix operator NAME: ComparisonPrecedence
func NAME <Value: Equatable>(a: Value, b: Value) -> Bool {
  mutant(NUMBER) ? a AFTER b : a BEFORE b
}
@_disfavoredOverload
func NAME <A: BinaryInteger, B: BinaryInteger>(a: A, b: B) -> Bool {
  mutant(NUMBER) ? a AFTER b : a BEFORE b
}
@_disfavoredOverload
func NAME <Value>(a: Value?, b: _OptionalNilComparisonType) -> Bool {
  mutant(NUMBER) ? a AFTER b : a BEFORE b
}
@_disfavoredOverload
func NAME (a: Any.Type, b: Any.Type) -> Bool {
  mutant(NUMBER) ? a AFTER b : a BEFORE b
}
'''
AND_OR = '''
infix operator NAME: PRECEDENCE
func NAME (a: Bool, b: @autoclosure () throws -> Bool) rethrows -> Bool {
  mutant(NUMBER) ? try a AFTER b() : try a BEFORE b()
}
'''
ARITHMETIC = '''
infix operator NAME: AdditionPrecedence
func NAME <Value: AdditiveArithmetic>(a: Value, b: Value) -> Value {
  mutant(NUMBER) ? a AFTER b : a BEFORE b
}
@_disfavoredOverload
func NAME <Value: Strideable>(a: Value, b: Value.Stride) -> Value {
  a.advanced(by: mutant(NUMBER) ? 0 AFTER b : 0 BEFORE b)
}
@_disfavoredOverload
func NAME <Value: InstantProtocol>(a: Value, b: Value.Duration) -> Value {
  a.advanced(by: mutant(NUMBER) ? .zero AFTER b : .zero BEFORE b)
}
'''
# The type of the range must stay: its end moves instead, where it has room.
OPEN_RANGE = '''
infix operator NAME: RangeFormationPrecedence
func NAME <Value: Strideable>(a: Value, b: Value) -> Range<Value> where Value.Stride: SignedInteger {
  mutant(NUMBER) ? a..<b.advanced(by: 1) : a..<b
}
'''
CLOSED_RANGE = '''
infix operator NAME: RangeFormationPrecedence
func NAME <Value: Strideable>(a: Value, b: Value) -> ClosedRange<Value> where Value.Stride: SignedInteger {
  mutant(NUMBER) && a < b ? a...b.advanced(by: -1) : a...b
}
'''
INFIX = {
    **dict.fromkeys(("<", "<=", ">", ">="), COMPARISON), **dict.fromkeys(("==", "!="), EQUALITY),
    **dict.fromkeys(("+", "-"), ARITHMETIC), "..<": OPEN_RANGE, "...": CLOSED_RANGE,
    "&&": AND_OR.replace("PRECEDENCE", "LogicalConjunctionPrecedence"),
    "||": AND_OR.replace("PRECEDENCE", "LogicalDisjunctionPrecedence"),
}


def infix_name(token, number):
    """An operator that only this mistake has: the number in binary digits that may stand in operators."""
    return token + f"{number:b}".translate({ord("0"): "∙", ord("1"): "∘"})


def swift_file(mutants, text_of, count):
    """The file for a module: its mistakes are (number, path, mutation); numbers are below count."""
    parts = [COMMON.replace("COUNT", str(count))]
    for number, path, mutation in mutants:
        if mutation.form == "infix":
            before = text_of(path)[mutation.start:mutation.end]
            parts.append(
                INFIX[before].replace("NAME", infix_name(before, number))
                .replace("NUMBER", str(number))
                .replace("BEFORE", before).replace("AFTER", mutation.replacement))
    return "".join(parts)


def planted_text(text, mutants):
    """A file's text with the switches of its mistakes: (number, path, mutation), no two on one line."""
    for number, _, mutation in sorted(mutants, key=lambda m: m[2].start, reverse=True):
        text = (text[:mutation.start] + mutation.switched(text, number) + text[mutation.end:])
    return text
