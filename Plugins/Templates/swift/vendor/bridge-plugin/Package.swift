// swift-tools-version:6.2
import PackageDescription

// The SDK of bridge-host for plugins in Swift, and the C headers below it.
let package = Package(
  name: "bridge-plugin",
  products: [.library(name: "BridgePlugin", targets: ["BridgePlugin"])],
  targets: [
    .target(name: "BridgePluginABI"),
    .target(
      name: "BridgePlugin", dependencies: ["BridgePluginABI"],
      swiftSettings: [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
      ]),
  ]
)
