/// The version of bridge-host, as `--version` prints it and plugins see it.
public let hostVersion = "0.1.0"
