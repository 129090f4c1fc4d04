// swift-tools-version:6.2
import PackageDescription

let package = Package(
  name: "my-plugin",
  products: [.library(name: "MyPlugin", type: .dynamic, targets: ["MyPlugin"])],
  dependencies: [.package(path: "vendor/bridge-plugin")],
  targets: [
    .target(
      name: "MyPlugin", dependencies: [.product(name: "BridgePlugin", package: "bridge-plugin")],
      swiftSettings: [.swiftLanguageMode(.v6)],
      // The shared object exports its entry function and nothing else.
      linkerSettings: [
        .unsafeFlags(
          ["-Xlinker", "--version-script=\(Context.packageDirectory)/exports.map"],
          .when(platforms: [.linux]))
      ]),
    .testTarget(
      name: "MyPluginTests", dependencies: ["MyPlugin"], swiftSettings: [.swiftLanguageMode(.v6)]),
  ]
)
