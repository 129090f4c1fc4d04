/// The smallest of many elements, in memory for those alone: a heap whose largest element is on top.
///
/// Of n elements, the k smallest take n comparisons and a few more, instead of a sort of all.
struct SmallestElements<Element> {
  private let count: Int
  private let isLess: (Element, Element) -> Bool
  private var heap: [Element] = []

  /// - Parameter count: How many are kept, at least one.
  init(count: Int, by isLess: @escaping (Element, Element) -> Bool) {
    self.count = count
    self.isLess = isLess
  }

  /// Looks at one more.
  mutating func add(_ element: Element) {
    if heap.count < count {
      heap.append(element)
      raise(from: heap.count - 1)
    } else if isLess(element, heap[0]) {
      heap[0] = element
      lower()
    }
  }

  /// What is kept, the smallest first.
  var sorted: [Element] { heap.sorted(by: isLess) }

  private mutating func raise(from start: Int) {
    var index = start
    while index > 0, case let parent = (index - 1) / 2, isLess(heap[parent], heap[index]) {
      heap.swapAt(parent, index)
      index = parent
    }
  }

  private mutating func lower() {
    var index = 0
    while true {
      var largest = index
      for child in [2 * index + 1, 2 * index + 2]
      where child < heap.count && isLess(heap[largest], heap[child]) {
        largest = child
      }
      if largest == index { return }
      heap.swapAt(largest, index)
      index = largest
    }
  }
}
