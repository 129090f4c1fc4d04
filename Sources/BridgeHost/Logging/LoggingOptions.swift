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

  private var level: Logger.Level? {
    switch logLevel {
    case .debug: .debug
    case .info: .info
    case .warning: .warning
    case .error: .error
    case .none: nil
    }
  }

  /// Makes the logger, and what writes its lines.
  ///
  /// - Parameter descriptor: Where the lines go.
  func makeLog(to descriptor: CInt) -> (logger: Logger, writer: LogWriter?) {
    guard let level else {
      return (Logger(label: "bridge-host") { _ in SwiftLogNoOpLogHandler() }, nil)
    }
    let format = logFormat
    let writer = LogWriter(to: descriptor) { lost in
      StandardErrorLog.line(
        format, level: .warning, message: "log lines were lost: nobody read them in time",
        pairs: [("count", "\(lost)")])
    }
    let logger = Logger(label: "bridge-host") { _ in
      StandardErrorLog(format: format, logLevel: level, writer: writer)
    }
    return (logger, writer)
  }
}

extension StandardErrorLog.Format: ExpressibleByArgument {}
