internal import BridgePluginABI

/// Memory for C structs: all that is allocated is freed at once, or never where `free` is not
/// called, as for the plugin's description.
struct Arena {
  private var blocks: [UnsafeMutableRawPointer] = []

  /// Gives all the memory back.
  mutating func free() {
    for block in blocks { block.deallocate() }
    blocks = []
  }

  /// Copies a struct of the ABI to a place that stays; see `copyTold` for why this is not generic.
  mutating func place(_ bytes: UnsafeRawPointer, _ size: Int) -> UnsafeRawPointer {
    let place = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
    place.copyMemory(from: bytes, byteCount: size)
    blocks.append(place)
    return UnsafeRawPointer(place)
  }

  /// Copies elements, which are pointers or of a layout that is fixed for ever, to a place that stays; nil
  /// for none.
  mutating func place<Element>(_ elements: [Element]) -> UnsafePointer<Element>? {
    guard !elements.isEmpty else { return nil }
    let place = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
    _ = place.initialize(from: elements)
    blocks.append(UnsafeMutableRawPointer(place.baseAddress!))
    return UnsafePointer(place.baseAddress!)
  }

  /// Copies bytes to a place that stays, aligned to 16 bytes.
  private mutating func place(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawPointer? {
    guard !bytes.isEmpty else { return nil }
    let place = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
    place.copyMemory(from: bytes)
    blocks.append(place.baseAddress!)
    return UnsafeRawPointer(place.baseAddress!)
  }

  /// Copies text.
  mutating func view(_ text: String) -> bridge_str {
    text.withView { view(copying: $0) }
  }

  private mutating func view(copying view: bridge_str) -> bridge_str {
    bridge_str(UnsafeRawBufferPointer(start: place(view.bytes), count: view.bytes.count))
  }

  /// Copies metadata.
  mutating func pairs(_ metadata: [String: String]) -> (UnsafePointer<bridge_pair>?, Int) {
    let pairs = metadata.map { bridge_pair(key: view($0.key), value: view($0.value)) }
    return (place(pairs), pairs.count)
  }

  /// Copies a value and all it points to.
  mutating func value(_ value: ToolValue) -> bridge_value {
    value.withABI { lent in
      var copy = lent.pointee
      switch value {
      case .null, .float, .integer, .boolean: break
      case .string, .choice, .module, .json, .bytes: copy.as.text = view(copying: copy.as.text)
      case .embedding(let elements):
        copy.as.numbers.data = elements.withUnsafeBytes { place($0) }
      case .tensor(let tensor):
        copy.as.numbers.data = tensor.elements.withUnsafeBytes { place($0) }
        copy.as.numbers.shape = place(tensor.shape.map(UInt64.init))
      }
      return copy
    }
  }
}
