"""Mistakes that can be planted in a Swift file.

Each operator finds places in the text whose comments and strings are blanked out, and says what to put
there. They rely on swift-format: operators have spaces around them, a statement begins its line.
"""

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Mutation:
    operator: str
    start: int
    end: int
    replacement: str

    def apply(self, text):
        return text[:self.start] + self.replacement + text[self.end:]

    def describe(self, text):
        """The line it is in, before and after."""
        begin = text.rfind("\n", 0, self.start) + 1
        end = text.find("\n", self.end)
        before = text[begin:end]
        after = self.apply(text)[begin:end + len(self.replacement) - (self.end - self.start)]
        return text.count("\n", 0, self.start) + 1, before.strip(), after.strip()


# Strings before comments: a string may hold what looks like one.
BLANKED = re.compile(
    r'"""(?:.|\n)*?"""|#"(?:[^"\n]|"(?!#))*"#|"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*(?:.|\n)*?\*/')


def blank(text):
    """The text with spaces in place of comments and strings."""
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
        yield Mutation("comparison turned", *match.span(), TURNED[match[0]])
        if match[0] in SHIFTED:
            yield Mutation("comparison shifted", *match.span(), SHIFTED[match[0]])
    for match in re.finditer(r"(?<=[\w)\]])(\.\.<|\.\.\.)(?=[\w(])", text):
        yield Mutation("range shifted", *match.span(), SHIFTED[match[0]])


def constants(text):
    for match in re.finditer(r"(?<![\w.$#])(\d[\d_]*)(?!\w|\.(?!\.))", text):
        line = line_of(text, match.start())
        if DECLARATION.match(line) or "precondition" in line:
            continue
        yield Mutation("constant", *match.span(), str(int(match[0].replace("_", "")) + 1))
    for match in re.finditer(r"\b(true|false)\b", text):
        if not DECLARATION.match(line_of(text, match.start())):
            yield Mutation("constant", *match.span(), "false" if match[0] == "true" else "true")
    for match in re.finditer(r"(?<=[\w)\]] )([+-])(?= [\w(])", text):
        yield Mutation("arithmetic", *match.span(), "-" if match[0] == "+" else "+")


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
        yield Mutation("statement dropped", match.start(), match.end(), indent + "do {}")


def conditions(text):
    for match in re.finditer(r"(?<= )(&&|\|\|)(?= )", text):
        yield Mutation("and for or", *match.span(), "||" if match[0] == "&&" else "&&")
    for match in re.finditer(
            r"\b(if|while) (?!let|var|case|#)([^\n{},]+?) (?=\{)|\bguard (?!let|var|case)([^\n{},]+?) (?=else)",
            text):
        group = 2 if match[2] else 3
        yield Mutation("condition inverted", *match.span(group), f"!({match[group]})")


ARGUMENTS = re.compile(r"\((?:(\w+): )?([\w.]+), (?:(\w+): )?([\w.]+)\)")


def arguments(text):
    for match in ARGUMENTS.finditer(text):
        if match[2] == match[4] or DECLARATION.match(line_of(text, match.start())):
            continue
        first = f"{match[1]}: " if match[1] else ""
        second = f"{match[3]}: " if match[3] else ""
        yield Mutation(
            "arguments swapped", *match.span(), f"({first}{match[4]}, {second}{match[2]})")


OPERATORS = [comparisons, constants, statements, conditions, arguments]


def mutations(text):
    """All mistakes that can be planted in a file, by place."""
    blanked = blank(text)
    found = [mutation for operator in OPERATORS for mutation in operator(blanked)]
    # What stands between the brackets of blanked text may hold strings: those places stay.
    return sorted(
        (m for m in found if blanked[m.start:m.end] == text[m.start:m.end]),
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


def self_test():
    """What is planted in a sample is what should be, and no more. Returns complaints."""
    found = {(m.operator, m.describe(SAMPLE)[2]) for m in mutations(SAMPLE)}
    return ([f"not planted: {item}" for item in sorted(EXPECTED - found)]
            + [f"planted, but should not be: {item}" for item in sorted(found - EXPECTED)])
