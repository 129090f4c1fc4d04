internal import Glibc

enum CurrentThread {
  /// A number for the calling thread, its own as long as it lives.
  static var id: UInt { UInt(pthread_self()) }
}
