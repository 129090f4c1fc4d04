/// Where a session is.
public enum SessionLocation: Sendable {
  /// In this process.
  case here(Session)
  /// At another host, which is reached under this address.
  case elsewhere(address: String)
}

/// Finds sessions, which may be held by other hosts.
///
/// Thread-safe. Called on event loops: nothing here may block.
public protocol SessionDirectory: Sendable {
  /// Finds a session; that counts as a use of one that is here.
  ///
  /// - Parameters:
  ///   - create: Make it here when it is nowhere and this host may hold it.
  ///   - client: For whom, as in `SessionStore.create`.
  /// - Throws: `SessionError`: `sessionNotFound`, and those of `SessionStore.create`.
  func locate(_ id: String, create: Bool, client: UInt64?) throws -> SessionLocation

  /// The address of the other host that holds a session, or is the one to make it.
  ///
  /// - Returns: nil when that is this host.
  func otherHost(of id: String) -> String?
}

extension SessionDirectory {
  /// Finds a session that is here.
  ///
  /// - Throws: As `locate`; `elsewhere`, with the address, for a session at another host.
  public func session(
    _ id: String, create: Bool = false, client: UInt64? = nil
  ) throws -> Session {
    switch try locate(id, create: create, client: client) {
    case .here(let session): return session
    case .elsewhere(let address): throw Self.isElsewhere(id, address)
    }
  }

  /// - Throws: `SessionError` with code `elsewhere` for an id that is another host's.
  public func checkIsHere(_ id: String) throws {
    if let address = otherHost(of: id) { throw Self.isElsewhere(id, address) }
  }

  private static func isElsewhere(_ id: String, _ address: String) -> SessionError {
    SessionError(
      .elsewhere, "session \(id) is held by the host at \(address)",
      details: ["session": id, "address": address])
  }
}

/// The directory of a host that shares no sessions: all are here.
extension SessionStore: SessionDirectory {
  /// Finds a session; it is here or nowhere.
  public func locate(_ id: String, create: Bool, client: UInt64?) throws -> SessionLocation {
    .here(try session(id, create: create, client: client))
  }

  /// No session is at another host.
  public func otherHost(of id: String) -> String? { nil }
}
