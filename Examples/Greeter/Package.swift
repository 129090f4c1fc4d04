// swift-tools-version:6.2
import PackageDescription

// A package of its own, as a user of the GRPC products would have it.
let package = Package(
  name: "Greeter",
  dependencies: [
    .package(name: "bridge-host", path: "../.."),
    .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-protobuf.git", from: "1.39.0"),
  ],
  targets: [
    .executableTarget(
      name: "Greeter",
      dependencies: [
        .product(name: "GRPC", package: "bridge-host"),
        .product(name: "GRPCProtobuf", package: "bridge-host"),
        .product(name: "GRPCServices", package: "bridge-host"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      swiftSettings: [.swiftLanguageMode(.v6)])
  ]
)
