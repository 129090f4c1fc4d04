internal import BridgePluginHost

/// Says where in the source a fault is, as far as the file tells.
enum SourcePlaces {
  /// Looks up the addresses of a result, and the lines of its stack.
  static func fill(_ result: inout TestResult, of path: String) {
    guard result.addresses.contains(where: { $0 != nil }) || !result.stack.isEmpty,
      let probe = try? PluginProbe(path), let facts = try? probe.facts()
    else { return }
    for (index, address) in result.addresses.enumerated() where index < result.notes.count {
      if let address { result.notes[index].place = words(for: address, probe, facts) ?? "" }
    }
    guard !result.stack.isEmpty else { return }
    let file = probe.path.split(separator: "/").last.map(String.init) ?? ""
    var places: [String] = []
    result.stack = result.stack.map { frame in
      guard let address = Self.address(in: frame, file, facts),
        // Of a call, the address is that of what comes after it.
        let words = words(for: places.isEmpty ? address : address &- 1, probe, facts)
      else { return frame }
      places.append(words)
      return "\(file) \(words)"
    }
    // Below the plugin there is only what has called it.
    if let last = result.stack.lastIndex(where: { $0.hasPrefix(file) }) {
      result.stack = Array(result.stack[...last])
    }
    if let first = places.first, result.notes.count == 1, result.notes[0].place.isEmpty {
      result.notes[0].place = first
    }
  }

  /// The address that a line of a stack is about, as `libx.so run+0x12` or `libx.so+0x1234`; nil where it is in
  /// another file.
  private static func address(in frame: String, _ file: String, _ facts: ELFFacts) -> UInt64? {
    guard frame.hasPrefix(file), let plus = frame.lastIndex(of: "+"),
      let offset = UInt64(frame[frame.index(after: plus)...].dropFirst(2), radix: 16)
    else { return nil }
    let rest = frame[..<plus].dropFirst(file.count)
    guard rest.hasPrefix(" ") else { return rest.isEmpty ? offset : nil }
    let name = rest.dropFirst()
    return facts.dynamicSymbols.first { $0.isDefined && $0.name == name }.map {
      $0.address &+ offset
    }
  }

  private static func words(
    for address: UInt64, _ probe: PluginProbe, _ facts: ELFFacts
  ) -> String? {
    let line = probe.line(of: address).map { line in
      line.split(separator: "/").last.map(String.init) ?? line
    }
    let name = facts.function(at: address).map { SwiftName.readable($0.name) }
    // All tools of the SDK for Swift have this one function.
    if name?.contains("BridgePlugin.runTool") == true { return nil }
    switch (name, line) {
    case (let name?, let line?): return "\(name) (\(line))"
    case (let name?, nil): return name
    case (nil, let line?): return line
    case (nil, nil): return nil
    }
  }
}
