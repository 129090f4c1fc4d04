package import BridgeTools

/// Sees every function of the host that a plugin calls, and may answer in the host's place: what traces,
/// test hosts and checks are made from.
///
/// A plugin that is loaded without one is given tables that know nothing of this. Thread-safe: all
/// functions come on the plugin's own threads and those it is called on.
package protocol HostInspector: AnyObject, Sendable {
  /// What the host tells of itself.
  var offer: HostOffer { get }

  /// A function is called.
  ///
  /// - Returns: What `ends` is told with the answer, and an error that is answered instead; it is
  ///   heeded only where `HostFunction.mayFail`.
  func begins(_ use: HostUse) -> (number: Int, failure: HostRefusal?)

  /// The function is about to return.
  func ends(_ number: Int, _ answer: HostAnswer)

  /// What `sleep` does and answers; nil leaves it to the host.
  func sleep(_ call: ToolCall, nanoseconds: Int64) -> Int32?

  /// What `remaining` tells; nil leaves it to the host.
  func remaining(of call: ToolCall) -> Int64?

  /// The calling thread is about to run code of the plugin.
  func enters(_ function: PluginFunction, of call: ToolCall?)

  /// It has run.
  ///
  /// - Parameter status: What the code returned; nil where it returns nothing.
  func leaves(_ function: PluginFunction, of call: ToolCall?, status: Int32?)
}

/// What a host says of itself to a plugin, in the place of the truth.
package struct HostOffer: Sendable {
  /// The versions of the ABI it speaks; nil for those that it does.
  package var versions: ClosedRange<UInt32>?

  /// The truth.
  package init() {}
}

/// An error that a function of the host is to answer.
package struct HostRefusal: Sendable, Equatable {
  /// A status of the ABI, not 0.
  package var status: Int32
  /// What `last_error` tells.
  package var message: String

  /// An error.
  package init(status: Int32, message: String) {
    self.status = status
    self.message = message
  }
}

/// One use of a function of the host.
package struct HostUse: Sendable {
  /// Which function.
  package let function: HostFunction
  /// The call it belongs to; nil where it belongs to none, or to one that is over.
  package let call: ToolCall?
  /// Whether the handle it was given was not valid any more, or never.
  package let isStale: Bool
  /// The arguments, but for the handle and places for answers, by their names in the header.
  package let arguments: [HostArgument]

  /// A use.
  package init(
    function: HostFunction, call: ToolCall?, isStale: Bool = false, arguments: [HostArgument]
  ) {
    self.function = function
    self.call = call
    self.isStale = isStale
    self.arguments = arguments
  }
}

/// A value that goes in or comes out of a function of the host.
package struct HostArgument: Sendable {
  /// Its name in the header.
  package let name: String
  /// What it is.
  package let value: ToolValue

  /// A named value.
  package init(name: String, value: ToolValue) {
    self.name = name
    self.value = value
  }
}

/// What a function of the host answered.
package struct HostAnswer: Sendable {
  /// Nil for a function that returns nothing.
  package let status: Int32?
  /// What it has written to places that its caller named.
  package let values: [HostArgument]

  /// An answer.
  package init(status: Int32?, values: [HostArgument] = []) {
    self.status = status
    self.values = values
  }
}
