/// Writes compact JSON.
struct JSONWriter {
  var text = ""

  mutating func list<Elements: Sequence>(
    _ open: String, _ close: String, _ elements: Elements,
    _ write: (inout JSONWriter, Elements.Element) -> Void
  ) {
    text += open
    var isFirst = true
    for element in elements {
      if !isFirst { text += "," }
      isFirst = false
      write(&self, element)
    }
    text += close
  }

  mutating func value(_ value: ToolValue) {
    switch value {
    case .null: text += "null"
    case .float(let number): self.number(number)
    case .integer(let number): text += String(number)
    case .string(let string), .choice(let string), .module(let string): self.string(string)
    case .boolean(let flag): text += flag ? "true" : "false"
    case .embedding(let elements): self.elements(elements)
    case .tensor(let tensor):
      text += "{\"shape\":"
      list("[", "]", tensor.shape) { json, length in json.text += String(length) }
      text += ",\"data\":"
      elements(tensor.elements)
      text += "}"
    case .json(let json): text += json.text
    case .bytes(let bytes):
      list("[", "]", bytes.bytes) { json, byte in json.text += String(byte) }
    }
  }

  private mutating func elements(_ elements: Tensor.Elements) {
    switch elements {
    // As integers: the largest do not fit a Double.
    case .int64(let numbers):
      list("[", "]", numbers) { json, number in json.text += String(number) }
    case .uint64(let numbers):
      list("[", "]", numbers) { json, number in json.text += String(number) }
    case .bool(let flags):
      list("[", "]", flags) { json, flag in json.text += flag ? "true" : "false" }
    default: list("[", "]", elements.doubles) { json, number in json.number(number) }
    }
  }

  /// JSON has no infinity and no NaN: they become null.
  private mutating func number(_ number: Double) {
    text += number.isFinite ? number.description : "null"
  }

  mutating func string(_ string: String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case ..<" ":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
