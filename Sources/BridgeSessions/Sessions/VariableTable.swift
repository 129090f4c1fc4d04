/// The variables of a session by their names.
///
/// A hash table that keeps no names of its own: variables have theirs. It takes nine bytes a place, where a
/// dictionary takes 24: hosts hold millions of variables.
///
/// Linear probing; what is removed leaves no mark, since what stands behind it moves up.
/// Source: D. E. Knuth, The Art of Computer Programming, volume 3, section 6.4, algorithms L and R.
struct VariableTable {
  /// Where a variable is; valid until one is added or removed.
  struct Place {
    fileprivate let index: Int
  }

  /// As many as there are tags, a power of two.
  private var places: [Variable?] = []
  /// Of every place a few bits of the hash, `Self.taken` among them; 0 where nothing is. Most names that differ
  /// are told apart by these alone.
  private var tags: [UInt8] = []
  /// How many variables there are.
  private(set) var count = 0

  private static let taken: UInt8 = 0x80
  private static let smallest = 8

  /// No variables.
  init() {}

  /// The variables, in no order.
  var all: [Variable] { places.compactMap(\.self) }

  /// Where the variable of a name is.
  func place(of name: String) -> Place? {
    guard count > 0 else { return nil }
    let hash = Self.hash(name)
    return tags.withUnsafeBufferPointer { tags in
      var index = hash & (tags.count - 1)
      let tag = Self.tag(hash)
      while tags[index] != 0 {
        if tags[index] == tag, places[index]!.name == name { return Place(index: index) }
        index = (index + 1) & (tags.count - 1)
      }
      return nil
    }
  }

  /// The variable at a place. What is put there has the name of what was there.
  subscript(place: Place) -> Variable {
    get { places[place.index]! }
    set { places[place.index] = newValue }
  }

  /// The variable of a name.
  subscript(name: String) -> Variable? {
    place(of: name).map { self[$0] }
  }

  /// Adds a variable, or puts it in the place of the one that has its name.
  mutating func insert(_ variable: Variable) {
    if let place = place(of: variable.name) {
      self[place] = variable
      return
    }
    // One place in eight stays free: probing ends there.
    if count >= tags.count - tags.count / 8 { grow() }
    add(variable)
    count += 1
  }

  /// Removes the variable of a name, if there is one.
  mutating func remove(_ name: String) {
    guard var free = place(of: name)?.index else { return }
    let mask = tags.count - 1
    var next = (free + 1) & mask
    while tags[next] != 0 {
      let home = Self.hash(places[next]!.name) & mask
      // It may stand at `free` unless it would be before its home there.
      if (next - home) & mask >= (next - free) & mask {
        places[free] = places[next]
        tags[free] = tags[next]
        free = next
      }
      next = (next + 1) & mask
    }
    places[free] = nil
    tags[free] = 0
    count -= 1
  }

  private mutating func grow() {
    let variables = places
    let size = max(Self.smallest, 2 * tags.count)
    places = Array(repeating: nil, count: size)
    tags = Array(repeating: 0, count: size)
    for case let variable? in variables { add(variable) }
  }

  /// Adds a variable whose name is not there, to a table that has room.
  private mutating func add(_ variable: Variable) {
    let hash = Self.hash(variable.name)
    var index = hash & (tags.count - 1)
    while tags[index] != 0 { index = (index + 1) & (tags.count - 1) }
    places[index] = variable
    tags[index] = Self.tag(hash)
  }

  private static func hash(_ name: String) -> Int {
    var hasher = Hasher()
    hasher.combine(name)
    return hasher.finalize()
  }

  /// Of other bits than those that choose the place.
  private static func tag(_ hash: Int) -> UInt8 {
    taken | UInt8(truncatingIfNeeded: UInt(bitPattern: hash) >> (UInt.bitWidth - 7))
  }
}
