internal import Glibc

/// The file of a Unix socket that somebody is about to tell a secret.
package enum TrustedSocket {
  /// Checks that only this user or root could have made the socket, and put it in its place.
  ///
  /// Who may connect to it does not matter here.
  ///
  /// - Throws: `TrustedFileError`, with `isMissing` when there is none.
  package static func check(_ path: String) throws(TrustedFileError) {
    var walk = try PathWalk(to: path)
    try walk.checkSocket()
  }
}
