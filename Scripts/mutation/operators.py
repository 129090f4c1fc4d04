"""Mistakes that can be planted in a Swift file.

Each operator finds places in the text whose comments and strings are blanked out, and says what to put
there. They rely on swift-format: operators have spaces around them, a statement begins its line. No
mistake takes more than one line.

A mistake can also be written with a switch: text that does what was there unless the mistake of that number
is planted. `switches` has the functions which that text calls.
"""

import dataclasses
import re

from . import switches


@dataclasses.dataclass(frozen=True)
class Mutation:
    operator: str
    start: int
    end: int
    replacement: str
    # What is between start and end: an infix operator, a value, a statement, a condition or arguments.
    form: str

    def switched(self, text, number):
        """What stands between start and end when the mistake has the switch of this number."""
        before = text[self.start:self.end]
        match self.form:
            case "infix":
                return switches.infix_name(before, number)
            case "value":
                return f"mutant({number}, {self.replacement}, {before})"
            case "statement":
                statement = before.lstrip()
                indent = before[:len(before) - len(statement)]
                return f"{indent}if !mutant({number}) {{ {statement} }}"
            case "condition":
                return f"({before}) != mutant({number})"
            case "arguments":
                names, values = zip(*(label_and_value(a) for a in before[1:-1].split(", ")))
                first = f"mutant({number}, {values[1]}, {values[0]})"
                second = f"mutant({number}, {values[0]}, {values[1]})"
                return f"({names[0]}{first}, {names[1]}{second})"
        raise ValueError(self.form)

    def describe(self, text, replacement=None):
        """The line it is in, before and after."""
        begin = text.rfind("\n", 0, self.start) + 1
        end = text.find("\n", self.end)
        after = text[begin:self.start] + (replacement or self.replacement) + text[self.end:end]
        return text.count("\n", 0, self.start) + 1, text[begin:end].strip(), after.strip()


def label_and_value(argument):
    label, colon, value = argument.rpartition(": ")
    return label + colon, value


# Strings before comments: a string may hold what looks like one. Nor is what the tests are not built with
# a place for mistakes.
BLANKED = re.compile(
    r'#if THREAD_SANITIZER(?:.|\n)*?(?=#else)|"""(?:.|\n)*?"""|#"(?:[^"\n]|"(?!#))*"#|"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*(?:.|\n)*?\*/')


def blank(text):
    """The text with spaces in place of comments, strings and what is not compiled."""
    return BLANKED.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


TURNED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
SHIFTED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "..<": "...", "...": "..<"}
# Lines that declare: `==` and the like in them are names or defaults.
DECLARATION = re.compile(r"^\s*(?:@|[a-z() ]*\b(?:func|import|case|typealias|#if|#else|extension|struct|class|enum|protocol)\b)")


def line_of(text, place):
    begin = text.rfind("\n", 0, place) + 1
    end = text.find("\n", place)
    return text[begin:end if end >= 0 else len(text)]


def comparisons(text):
    for match in re.finditer(r"(?<= )(<=|>=|==|!=|<|>)(?= )", text):
        if DECLARATION.match(line_of(text, match.start())):
            continue
        yield Mutation("comparison turned", *match.span(), TURNED[match[0]], "infix")
        if match[0] in SHIFTED:
            yield Mutation("comparison shifted", *match.span(), SHIFTED[match[0]], "infix")
    for match in re.finditer(r"(?<=[\w)\]])(\.\.<|\.\.\.)(?=[\w(])", text):
        yield Mutation("range shifted", *match.span(), SHIFTED[match[0]], "infix")


def constants(text):
    for match in re.finditer(r"(?<![\w.$#])(\d[\d_]*)(?!\w|\.(?!\.))", text):
        line = line_of(text, match.start())
        if DECLARATION.match(line) or "precondition" in line:
            continue
        yield Mutation(
            "constant", *match.span(), str(int(match[0].replace("_", "")) + 1), "value")
    for match in re.finditer(r"\b(true|false)\b", text):
        if not DECLARATION.match(line_of(text, match.start())):
            yield Mutation(
                "constant", *match.span(), "false" if match[0] == "true" else "true", "value")
    for match in re.finditer(r"(?<=[\w)\]] )([+-])(?= [\w(])", text):
        yield Mutation("arithmetic", *match.span(), "-" if match[0] == "+" else "+", "infix")


STATEMENT = re.compile(
    r"^[ ]+(?!(?:let|var|return|throw|guard|if|else|for|while|switch|case|default|do|catch|defer|break"
    r"|continue|func|init|self\.init|super\.init|precondition|public|private|internal|package|fileprivate"
    r"|static|import|try!|@|#|//)\b)(?:try )?(?:await )?[a-zA-Z_][\w.?!\[\]]*"
    r"(?:\([^\n{}]*\)| (?:=|\+=|-=|\|=|&=) [^\n{]*[\w)\]\"])$", re.MULTILINE)


def statements(text):
    """Whole statements of a line; assignments of options and limits are among them."""
    for match in STATEMENT.finditer(text):
        line = match[0]
        if line.count("(") != line.count(")") or line.count("[") != line.count("]"):
            continue
        previous = text[:match.start()].rstrip()
        # What goes on from the line before is no statement of its own.
        if previous.endswith((",", "(", "=", "&&", "||", "+", "-", "?", ":", "->", "return", "[")):
            continue
        following = text[match.end():].lstrip()
        if following.startswith((".", "??", "?", ":", "&&", "||", "+ ", "- ", "{", ",")):
            continue
        indent = re.match(" +", line)[0]
        yield Mutation("statement dropped", match.start(), match.end(), indent + "do {}", "statement")


def conditions(text):
    for match in re.finditer(r"(?<= )(&&|\|\|)(?= )", text):
        yield Mutation("and for or", *match.span(), "||" if match[0] == "&&" else "&&", "infix")
    for match in re.finditer(
            r"\b(if|while) (?!let|var|case|#)([^\n{},]+?) (?=\{)|\bguard (?!let|var|case)([^\n{},]+?) (?=else)",
            text):
        group = 2 if match[2] else 3
        yield Mutation("condition inverted", *match.span(group), f"!({match[group]})", "condition")


# The order of what `max` and `min` take makes no difference.
ARGUMENTS = re.compile(r"(?<!\bmax)(?<!\bmin)\((?:(\w+): )?([\w.]+), (?:(\w+): )?([\w.]+)\)")


def arguments(text):
    for match in ARGUMENTS.finditer(text):
        if match[2] == match[4] or DECLARATION.match(line_of(text, match.start())):
            continue
        first = f"{match[1]}: " if match[1] else ""
        second = f"{match[3]}: " if match[3] else ""
        yield Mutation(
            "arguments swapped", *match.span(), f"({first}{match[4]}, {second}{match[2]})",
            "arguments")


# Only how much is set aside beforehand: a mistake there makes no difference that a test could see.
CAPACITY = re.compile(r"reserveCapacity|reservingCapacity|minimumCapacity|initialCapacity|allocate\(capacity: 1\)")
OPERATORS = [comparisons, constants, statements, conditions, arguments]


def mutations(text):
    """All mistakes that can be planted in a file, by place."""
    blanked = blank(text)
    found = [mutation for operator in OPERATORS for mutation in operator(blanked)]
    # What stands between the brackets of blanked text may hold strings: those places stay.
    return sorted(
        (m for m in found if blanked[m.start:m.end] == text[m.start:m.end]
         and not CAPACITY.search(line_of(text, m.start))),
        key=lambda m: (m.start, m.operator))


SAMPLE = '''\
func f(_ a: Int, b: Int = 3) -> Bool {
  // if a < 4 && b == 5 {
  let text = "a < 4 \\\\(a)"
  if a < 4 && b == 5 {
    limits.count = a + 1
    queue.add(a, b)
    return true
  }
  guard !isOpen else { return false }
  for index in 0..<a { use(x: index, y: b) }
  return g(
    a, b)
}
'''
EXPECTED = {
    ("comparison turned", "if a >= 4 && b == 5 {"),
    ("comparison shifted", "if a <= 4 && b == 5 {"),
    ("comparison turned", "if a < 4 && b != 5 {"),
    ("constant", "if a < 5 && b == 5 {"),
    ("constant", "if a < 4 && b == 6 {"),
    ("and for or", "if a < 4 || b == 5 {"),
    ("condition inverted", "if !(a < 4 && b == 5) {"),
    ("statement dropped", "do {}"),
    ("constant", "limits.count = a + 2"),
    ("arithmetic", "limits.count = a - 1"),
    ("arguments swapped", "queue.add(b, a)"),
    ("constant", "return false"),
    ("condition inverted", "guard !(!isOpen) else { return false }"),
    ("constant", "guard !isOpen else { return true }"),
    ("constant", "for index in 1..<a { use(x: index, y: b) }"),
    ("range shifted", "for index in 0...a { use(x: index, y: b) }"),
    ("arguments swapped", "for index in 0..<a { use(x: b, y: index) }"),
}
# One of each form, with the switch of number 6.
SWITCHED = {
    "if a <∘∘∙ 4 && b == 5 {",
    "if a < mutant(6, 5, 4) && b == 5 {",
    "if (a < 4 && b == 5) != mutant(6) {",
    "if !mutant(6) { queue.add(a, b) }",
    "for index in 0..<a { use(x: mutant(6, b, index), y: mutant(6, index, b)) }",
}


def self_test():
    """What is planted in a sample is what should be, and no more. Returns complaints."""
    planted = mutations(SAMPLE)
    found = {(m.operator, m.describe(SAMPLE)[2]) for m in planted}
    switched = {m.describe(SAMPLE, m.switched(SAMPLE, 6))[2] for m in planted}
    return ([f"not planted: {item}" for item in sorted(EXPECTED - found)]
            + [f"planted, but should not be: {item}" for item in sorted(found - EXPECTED)]
            + [f"no such switch: {item}" for item in sorted(SWITCHED - switched)])
