internal import ArgumentParser
internal import Logging

/// The options of every command that logs.
struct LoggingOptions: ParsableArguments {
  enum Level: String, ExpressibleByArgument, CaseIterable {
    case debug, info, warning, error, none
  }

  @Option(help: "Least level that is logged.")
  var logLevel = Level.info

  @Option(help: "Format of the log on standard error.")
  var logFormat = StandardErrorLog.Format.text

  func makeLogger() -> Logger {
    let level: Logger.Level? =
      switch logLevel {
      case .debug: .debug
      case .info: .info
      case .warning: .warning
      case .error: .error
      case .none: nil
      }
    guard let level else { return Logger(label: "bridge-host") { _ in SwiftLogNoOpLogHandler() } }
    return Logger(label: "bridge-host") { _ in
      StandardErrorLog(format: logFormat, logLevel: level)
    }
  }
}

extension StandardErrorLog.Format: ExpressibleByArgument {}
