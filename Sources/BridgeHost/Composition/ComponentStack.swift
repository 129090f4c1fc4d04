internal import Logging

/// The parts of a running host, in the order in which they started.
///
/// Each part is made of parts that started before it. So at the end the last one goes first: all
/// drain in that order, then all stop in that order, and none is ever without what it needs.
final class ComponentStack {
  private var components: [any HostComponent] = []
  private let logger: Logger

  init(logger: Logger) { self.logger = logger }

  /// Starts a part after all others.
  ///
  /// - Throws: What the part throws. Then all parts that had started are drained and stopped.
  @discardableResult
  func start<Component: HostComponent>(_ component: Component) throws -> Component {
    do {
      try component.start()
    } catch {
      shutDown()
      throw error
    }
    components.append(component)
    return component
  }

  /// Drains and stops all parts, the last one first. Afterwards there are none.
  func shutDown() {
    let ending = components.reversed()
    components = []
    for component in ending {
      logger.trace("draining", metadata: ["component": "\(component.name)"])
      component.drain()
    }
    for component in ending {
      logger.trace("stopping", metadata: ["component": "\(component.name)"])
      component.stop()
    }
  }
}
