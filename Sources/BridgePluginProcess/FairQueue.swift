internal import BridgeTools
internal import DequeModule

/// What waits for one of a number of places, by whose it is.
///
/// Owners take turns, so that one with thousands keeps nobody else waiting, and no owner has all places.
struct FairQueue<Element> {
  /// Places, of which one owner may have all but an eighth.
  let places: Int
  private var waiting: [UInt64: Deque<Element>] = [:]
  /// Places that owners have.
  private var taken: [UInt64: Int] = [:]
  /// Owners of what waits, the next one first.
  private var turns: Deque<UInt64> = []
  /// How much waits.
  private(set) var count = 0
  /// How many places are taken.
  private(set) var takenCount = 0
  /// How long places were taken lately.
  private var times = TurnTimes()

  init(places: Int) { self.places = places }

  /// What one owner may have of a number of things.
  static func share(of number: Int) -> Int { number - number / 8 }

  /// How much of an owner waits.
  func count(of owner: UInt64?) -> Int { waiting[owner ?? 0]?.count ?? 0 }

  /// Takes a place at once.
  ///
  /// - Parameter isUrgent: Whether it is taken although there is none: others wait for this.
  /// - Returns: false where the owner has to wait.
  mutating func take(_ owner: UInt64?, isUrgent: Bool) -> Bool {
    let owner = owner ?? 0
    guard isUrgent || (waiting[owner] == nil && hasPlace(owner)) else { return false }
    taken[owner, default: 0] += 1
    takenCount += 1
    return true
  }

  private func hasPlace(_ owner: UInt64) -> Bool {
    // Nobody in particular has no share.
    takenCount < places && (owner == 0 || taken[owner, default: 0] < Self.share(of: places))
  }

  /// Gives a place back.
  ///
  /// - Parameter time: How long it was taken, in nanoseconds; nil where nothing has used it.
  mutating func leave(_ owner: UInt64?, after time: Int64? = nil) {
    if let time { times.note(time) }
    let owner = owner ?? 0
    takenCount -= 1
    taken[owner, default: 1] -= 1
    if taken[owner] == 0 { taken[owner] = nil }
  }

  /// Whether one more of an owner's would surely get a place only after its deadline.
  ///
  /// - Parameters:
  ///   - deadline: Of `MonotonicClock`.
  ///   - fate: Whether somebody still wants one that waits, and its deadline; nil for none.
  func isHopeless(
    _ deadline: Int64, of owner: UInt64?,
    _ fate: (Element) -> (isWanted: Bool, deadline: Int64?)
  ) -> Bool {
    let owner = owner ?? 0
    return times.isHopeless(
      deadline, limit: max(1, owner == 0 ? places : Self.share(of: places)),
      behind: waiting[owner] ?? [], fate)
  }

  mutating func append(_ element: Element, of owner: UInt64?) {
    let owner = owner ?? 0
    if waiting[owner] == nil { turns.append(owner) }
    waiting[owner, default: []].append(element)
    count += 1
  }

  /// What is next and has a place, which it takes; nil where nothing has.
  mutating func popFirst() -> Element? {
    for _ in 0..<turns.count {
      let owner = turns.removeFirst()
      guard hasPlace(owner), let element = waiting[owner]?.popFirst() else {
        turns.append(owner)
        continue
      }
      count -= 1
      if waiting[owner]?.isEmpty == true { waiting[owner] = nil } else { turns.append(owner) }
      taken[owner, default: 0] += 1
      takenCount += 1
      return element
    }
    return nil
  }

  /// Takes out everything that waits.
  mutating func removeAll() -> [Element] {
    let all = waiting.values.flatMap { $0 }
    (waiting, turns, count) = ([:], [], 0)
    return all
  }
}
