// swift-tools-version:6.2
import PackageDescription

let swiftSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .treatAllWarnings(as: .error),
]

/// Keeps every symbol but the entry function inside a plugin's shared object.
let exportsOnlyEntry: [LinkerSetting] = [
  .unsafeFlags(
    ["-Xlinker", "--version-script=\(Context.packageDirectory)/Plugins/exports.map"],
    .when(platforms: [.linux]))
]

/// The same for the functions of bridge_plugin_testing.h.
let exportsOnlyTesting: [LinkerSetting] = [
  .unsafeFlags(
    [
      "-Xlinker",
      "--version-script=\(Context.packageDirectory)/Sources/BridgeTestLibrary/exports.map",
    ], .when(platforms: [.linux]))
]

/// Addresses of libraries are found at the start and read-only from then on.
let hardened: [LinkerSetting] = [
  .unsafeFlags(
    ["-Xlinker", "-z", "-Xlinker", "relro", "-Xlinker", "-z", "-Xlinker", "now"],
    .when(platforms: [.linux]))
]

/// Compiles against other headers of the ABI, a folder of Tests/FrozenABI, under the module's own name.
func frozenABI(_ headers: String) -> [SwiftSetting] {
  let map = "\(Context.packageDirectory)/Tests/FrozenABI/\(headers)/module.modulemap"
  return swiftSettings + [.unsafeFlags(["-Xcc", "-fmodule-map-file=\(map)"])]
}

let package = Package(
  name: "bridge-host",
  products: [
    .executable(name: "bridge-host", targets: ["BridgeHost"]),
    .executable(name: "bridge-plugin-runner", targets: ["BridgePluginRunner"]),
    .library(name: "GRPC", targets: ["GRPC"]),
    .library(name: "GRPCProtobuf", targets: ["GRPCProtobuf"]),
    .library(name: "GRPCServices", targets: ["GRPCServices"]),
    .library(name: "BridgePluginABI", targets: ["BridgePluginABI"]),
    .library(name: "BridgePlugin", targets: ["BridgePlugin"]),
    .library(name: "BridgeTestHost", targets: ["BridgeTestHost"]),
    .library(name: "BridgePluginTesting", targets: ["BridgePluginTesting"]),
    .library(name: "bridge_plugin_testing", type: .dynamic, targets: ["BridgeTestLibrary"]),
    .library(name: "ExampleTools", type: .dynamic, targets: ["ExampleTools"]),
    .library(name: "ExampleToolsC", type: .dynamic, targets: ["ExampleToolsC"]),
    .library(name: "TestPlugin", type: .dynamic, targets: ["TestPlugin"]),
    .library(name: "NextTools", type: .dynamic, targets: ["NextTools"]),
    .library(name: "SDKTools", type: .dynamic, targets: ["SDKTools"]),
    .library(name: "ReleasedTools", type: .dynamic, targets: ["ReleasedTools"]),
    .library(name: "ReleasedToolsC", type: .dynamic, targets: ["ReleasedToolsC"]),
    .library(name: "NextToolsC", type: .dynamic, targets: ["NextToolsC"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
    // Its default traits link Foundation, which doubles the time a start takes.
    .package(url: "https://github.com/apple/swift-protobuf.git", from: "1.39.0", traits: []),
  ],
  targets: [
    // System libraries. Exactly one Swift module imports each.
    .systemLibrary(
      name: "CNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
    .systemLibrary(name: "CLibffi", pkgConfig: "libffi", providers: [.apt(["libffi-dev"])]),
    .systemLibrary(name: "CPCRE2", pkgConfig: "libpcre2-8", providers: [.apt(["libpcre2-dev"])]),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    // glibc's allocator, which the module Glibc leaves out.
    .systemLibrary(name: "CMalloc"),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    // simdjson is C++ (Debian: libsimdjson-dev); this target gives it a C interface.
    .target(name: "CSimdjson", linkerSettings: [.linkedLibrary("simdjson")]),

    // Calls of plugins' functions, in C++: exceptions that leave them end there.
    .target(name: "CPluginCalls"),

    // The plugin side: what a plugin author builds against.
    .target(name: "BridgePluginABI"),
    .target(
      name: "BridgePlugin", dependencies: ["BridgePluginABI"], swiftSettings: swiftSettings),

    // The host, from the bottom up.
    .target(name: "Threads", swiftSettings: swiftSettings),
    .target(name: "CSHA256"),
    .target(name: "TrustedFiles", dependencies: ["CSHA256"], swiftSettings: swiftSettings),
    .target(name: "TerminalText", swiftSettings: swiftSettings),
    .target(name: "Zlib", dependencies: ["CZlib"], swiftSettings: swiftSettings),
    .target(name: "JSON", dependencies: ["CSimdjson"], swiftSettings: swiftSettings),
    .target(
      name: "BinaryFormats", dependencies: ["Zlib"], swiftSettings: swiftSettings,
      // Conversions between floats and integers call it; programs without Glibc do not link it.
      linkerSettings: [.linkedLibrary("m")]),
    .target(
      name: "GRPC",
      dependencies: [
        "CNghttp2", "Threads", "TrustedFiles", "Zlib",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "NIOTLS", package: "swift-nio"),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "GRPCProtobuf",
      dependencies: ["GRPC", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
      swiftSettings: swiftSettings),
    .target(
      name: "GRPCServices",
      dependencies: [
        "GRPC", "GRPCProtobuf", "Threads",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "BridgeSessions",
      dependencies: [
        "BinaryFormats", "CPCRE2", "JSON", "Threads",
        .product(name: "DequeModule", package: "swift-collections"),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "BridgeStorage",
      dependencies: [
        "BridgeSessions", "CSQLite", "JSON", "Threads", "TrustedFiles",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "BridgeProtocol",
      dependencies: [
        "BinaryFormats", "BridgeSessions", "GRPC", "GRPCProtobuf", "JSON",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "BridgeTools",
      dependencies: [
        "BridgeSessions", "JSON", "Threads",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "BridgePluginHost",
      dependencies: [
        "BridgePluginABI", "BridgeSessions", "BridgeTools", "CDebugInfo", "CLibffi", "CPluginCalls",
        "JSON", "Threads", "TrustedFiles",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: swiftSettings),
    // What debug information says of functions. Debian: libdw-dev, whose library is loaded when it is needed.
    .target(name: "CDebugInfo"),
    // Plugins in processes of their own: what both sides have in common, the host's side, and the child's.
    .target(name: "CPluginProcess"),
    // Debian: libseccomp-dev.
    .target(name: "CPluginProfiles", linkerSettings: [.linkedLibrary("seccomp")]),
    .target(
      name: "BridgePluginChannel",
      dependencies: [
        "BridgeSessions", "BridgeTools", "CPluginProcess", "Threads", "TrustedFiles",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "BridgePluginProcess",
      dependencies: [
        "BridgePluginChannel", "BridgeSessions", "BridgeTools", "JSON",
        "Threads", "TrustedFiles",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "BridgePluginRunner",
      dependencies: [
        "BridgePluginChannel", "BridgePluginHost", "BridgeSessions", "BridgeTools",
        "CPluginProfiles", "Threads", "TrustedFiles",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: swiftSettings, linkerSettings: hardened),
    // First manifests for functions of C headers.
    .target(name: "NativeHeaders", dependencies: ["JSON"], swiftSettings: swiftSettings),
    // What new plugins begin with: the files themselves, inside the program.
    .target(name: "CPluginTemplates"),
    .target(
      name: "PluginTemplates", dependencies: ["CPluginTemplates"], swiftSettings: swiftSettings),
    // Which plugins there are, and where each runs.
    .target(
      name: "BridgePlugins",
      dependencies: [
        "BridgePluginChannel", "BridgePluginHost", "BridgePluginProcess", "BridgeTools", "JSON",
        "Threads", "TrustedFiles",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "BridgeService",
      dependencies: [
        "BinaryFormats", "BridgeProtocol", "BridgeSessions", "BridgeTools", "GRPC",
        "GRPCProtobuf", "JSON", "Threads",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "BridgeElixir",
      dependencies: [
        "BridgeProtocol", "BridgeSessions", "BridgeTools", "GRPC", "GRPCProtobuf", "JSON",
        "Threads",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "BridgeCluster",
      dependencies: [
        "BridgeProtocol", "BridgeService", "BridgeSessions", "BridgeTools", "GRPC", "GRPCProtobuf",
        "Threads",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      swiftSettings: swiftSettings),
    // What calls of tools do, in files; and running it again.
    .target(
      name: "BridgeRecording",
      dependencies: [
        "BridgeSessions", "BridgeTools", "JSON", "Threads", "TrustedFiles",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "BridgeTestHost",
      dependencies: [
        "BridgePluginABI", "BridgePluginHost", "BridgeSessions", "BridgeTools", "JSON", "Threads",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "BridgePluginTesting", dependencies: ["BridgeTestHost"], swiftSettings: swiftSettings),
    .target(
      name: "BridgeTestLibrary",
      dependencies: ["BridgePluginABI", "BridgeTestHost", "JSON", "Threads"],
      exclude: ["exports.map", "include"], swiftSettings: swiftSettings,
      linkerSettings: exportsOnlyTesting),
    .target(
      name: "BridgeValidation",
      dependencies: [
        "BridgePluginChannel", "BridgePluginHost", "BridgePlugins", "BridgeSessions",
        "BridgeTestHost", "BridgeTools", "JSON", "Threads", "TrustedFiles",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "BridgeHost",
      dependencies: [
        "BridgeCluster", "BridgeElixir", "BridgePluginHost", "BridgePlugins", "BridgeProtocol",
        "BridgeRecording", "BridgeService", "BridgeSessions", "BridgeStorage", "BridgeTestHost",
        "BridgeTools", "BridgeValidation", "CMalloc", "GRPC",
        "GRPCProtobuf", "GRPCServices", "JSON", "NativeHeaders", "PluginTemplates", "TerminalText",
        "Threads",
        "TrustedFiles",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      swiftSettings: swiftSettings, linkerSettings: hardened),

    // Example plugins.
    .target(
      name: "ExampleTools", dependencies: ["BridgePlugin"], path: "Plugins/ExampleTools",
      swiftSettings: swiftSettings, linkerSettings: exportsOnlyEntry),
    .target(
      name: "ExampleToolsC", dependencies: ["BridgePluginABI"], path: "Plugins/ExampleToolsC",
      exclude: ["example_tools_c.native.json", "libm.native.json", "zlib.native.json"]),

    // Tests mirror Sources; Tests/Wire drives the built program with Python clients.
    .executableTarget(
      name: "GRPCTestServer",
      dependencies: [
        "GRPC", .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
      ],
      path: "Tests/GRPCTestServer", packageAccess: false, swiftSettings: swiftSettings),
    .target(
      name: "ConformanceSupport",
      dependencies: ["Threads", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
      path: "Tests/ConformanceSupport", exclude: ["Protos"], swiftSettings: swiftSettings),
    .executableTarget(
      name: "ConformanceServer",
      dependencies: [
        "ConformanceSupport", "GRPC", "GRPCProtobuf", "GRPCServices",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      path: "Tests/ConformanceServer", swiftSettings: swiftSettings),
    .executableTarget(
      name: "ConformanceClient",
      dependencies: [
        "ConformanceSupport", "GRPC", "Threads",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      path: "Tests/ConformanceClient", swiftSettings: swiftSettings),
    // The example of the gRPC modules. Examples/Greeter is also a package of its own, so this target
    // sees no more than another package does.
    .executableTarget(
      name: "Greeter",
      dependencies: [
        "GRPC", "GRPCProtobuf", "GRPCServices", .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      path: "Examples/Greeter/Sources/Greeter", packageAccess: false, swiftSettings: swiftSettings),
    .target(
      name: "TestPlugin", dependencies: ["BridgePluginABI"], path: "Tests/TestPlugin",
      linkerSettings: exportsOnlyEntry),
    .target(
      name: "ReleasedTools", path: "Tests/FrozenABI/ReleasedTools",
      swiftSettings: frozenABI("Released"), linkerSettings: exportsOnlyEntry),
    .target(
      name: "ReleasedToolsC", path: "Tests/FrozenABI/ReleasedToolsC",
      cSettings: [.headerSearchPath("../Released/include")], linkerSettings: exportsOnlyEntry),
    .target(
      name: "NextToolsC", path: "Tests/FrozenABI/NextToolsC",
      cSettings: [.headerSearchPath("../Next/include")], linkerSettings: exportsOnlyEntry),
    .target(
      name: "NextHost",
      dependencies: [
        "BridgeSessions", "BridgeTools", "CDebugInfo", "CLibffi", "CPluginCalls", "JSON", "Threads",
        "TrustedFiles",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
      ],
      path: "Tests/FrozenABI/NextHost", swiftSettings: frozenABI("Next")),
    .executableTarget(
      name: "Pairing",
      dependencies: [
        "BridgePluginHost", "BridgeSessions", "BridgeTools", "Threads",
        .product(name: "Logging", package: "swift-log"),
      ],
      path: "Tests/FrozenABI/Pairing", swiftSettings: swiftSettings),
    .executableTarget(
      name: "NextPairing",
      dependencies: [
        "BridgeSessions", "BridgeTools", "NextHost", "Threads",
        .product(name: "Logging", package: "swift-log"),
      ],
      path: "Tests/FrozenABI/NextPairing",
      swiftSettings: frozenABI("Next") + [.define("NEXT_HOST")]),
    .testTarget(
      name: "FrozenABITests", path: "Tests/FrozenABI/FrozenABITests", swiftSettings: swiftSettings),
    .target(name: "NextSDK", path: "Tests/FrozenABI/NextSDK", swiftSettings: frozenABI("Next")),
    .target(
      name: "NextTools", dependencies: ["NextSDK"], path: "Tests/FrozenABI/NextTools",
      swiftSettings: frozenABI("Next") + [.define("NEXT_SDK")], linkerSettings: exportsOnlyEntry),
    .target(
      name: "SDKTools", dependencies: ["BridgePlugin"], path: "Tests/SDKTools",
      swiftSettings: swiftSettings, linkerSettings: exportsOnlyEntry),
    .target(
      name: "BinaryFormatsFuzzing", dependencies: ["BinaryFormats"],
      path: "Tests/Fuzz/BinaryFormats", swiftSettings: swiftSettings),
    .executableTarget(
      name: "fuzz-binary-formats", dependencies: ["BinaryFormatsFuzzing"],
      path: "Tests/Fuzz/Driver", swiftSettings: swiftSettings),
    .testTarget(
      name: "BinaryFormatsTests", dependencies: ["BinaryFormats", "BinaryFormatsFuzzing"],
      swiftSettings: swiftSettings),
    .testTarget(name: "JSONTests", dependencies: ["JSON"], swiftSettings: swiftSettings),
    .testTarget(name: "ThreadsTests", dependencies: ["Threads"], swiftSettings: swiftSettings),
    .testTarget(name: "ZlibTests", dependencies: ["Zlib"], swiftSettings: swiftSettings),
    .testTarget(
      name: "TrustedFilesTests", dependencies: ["TrustedFiles"], swiftSettings: swiftSettings),
    .testTarget(
      name: "TerminalTextTests", dependencies: ["TerminalText"], swiftSettings: swiftSettings),
    .testTarget(
      name: "GRPCTests",
      dependencies: [
        "GRPC", "Threads",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOEmbedded", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "FuzzTargets",
      dependencies: [
        "BinaryFormatsFuzzing", "BridgePluginChannel", "BridgePluginProcess", "BridgeProtocol",
        "BridgeSessions", "BridgeTools", "GRPC", "JSON", "RandomSessions", "Threads",
        "TrustedFiles",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOEmbedded", package: "swift-nio"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      path: "Tests/Fuzz/Targets", swiftSettings: swiftSettings),
    .testTarget(
      name: "FuzzTests",
      dependencies: [
        "BridgePluginChannel", "BridgePluginRunner", "BridgeTools", "FuzzTargets", "TrustedFiles",
        .product(name: "Logging", package: "swift-log"),
      ],
      path: "Tests/Fuzz/Tests", swiftSettings: swiftSettings),
    .testTarget(
      name: "GRPCProtobufTests",
      dependencies: [
        "GRPC", "GRPCProtobuf", .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "GRPCServicesTests",
      dependencies: [
        "GRPC", "GRPCProtobuf", "GRPCServices",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "RandomSessions",
      dependencies: ["BinaryFormats", "BinaryFormatsFuzzing", "BridgeSessions", "JSON"],
      path: "Tests/RandomSessions", swiftSettings: swiftSettings),
    .testTarget(
      name: "BridgeSessionsTests",
      dependencies: [
        "BinaryFormats", "BinaryFormatsFuzzing", "BridgeSessions", "JSON", "RandomSessions",
        "Threads",
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "BridgeServiceTests",
      dependencies: [
        "BinaryFormatsFuzzing", "BridgeProtocol", "BridgeService",
        "BridgeSessions", "BridgeTools", "GRPC", "GRPCProtobuf", "JSON", "RandomSessions",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "BridgeHostTests",
      dependencies: [
        "BridgeHost", "BridgeProtocol", "BridgeService", "BridgeSessions", "GRPC", "GRPCServices",
        "JSON", "TrustedFiles",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "BridgeElixirTests",
      dependencies: [
        "BridgeElixir", "BridgeProtocol", "BridgeSessions", "BridgeTools", "GRPC", "GRPCProtobuf",
        "Threads",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "BridgeStorageTests",
      dependencies: [
        "BinaryFormatsFuzzing", "BridgeSessions", "BridgeStorage", "RandomSessions", "Threads",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "BridgeProtocolTests",
      dependencies: [
        "BinaryFormats", "BinaryFormatsFuzzing", "BridgeProtocol", "BridgeSessions", "GRPC",
        "GRPCProtobuf", "JSON", "RandomSessions",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "BridgeToolsTests",
      dependencies: [
        "BridgeSessions", "BridgeTools", "JSON", "Threads",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "BridgePluginTests", dependencies: ["BridgePlugin", "BridgePluginABI"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "BridgeClusterTests",
      dependencies: [
        "BridgeCluster", "BridgeProtocol", "BridgeService", "BridgeSessions", "BridgeTools", "GRPC",
        "GRPCProtobuf", "RemoteSessions", "Threads",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      swiftSettings: swiftSettings),
    .target(
      name: "RemoteSessions",
      dependencies: [
        "BridgeCluster", "BridgeService", "BridgeSessions", "BridgeTools", "GRPC", "Threads",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
      ],
      path: "Tests/RemoteSessions", swiftSettings: swiftSettings),
    .testTarget(
      name: "BridgePluginHostTests",
      dependencies: [
        "BinaryFormatsFuzzing", "BridgePluginABI", "BridgePluginHost", "BridgePluginProcess",
        "BridgePluginRunner", "BridgeSessions", "BridgeTools", "JSON", "RandomSessions",
        "RemoteSessions", "Threads",
        "TrustedFiles",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "BridgeRecordingTests",
      dependencies: [
        "BridgeRecording", "BridgeSessions", "BridgeTools", "JSON",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "BridgeTestHostTests",
      dependencies: ["BridgePluginABI", "BridgeSessions", "BridgeTestHost", "BridgeTools"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "BridgePluginTestingTests", dependencies: ["BridgePlugin", "BridgePluginTesting"],
      swiftSettings: swiftSettings),
    // The library is not linked into the tests: they link a program with it. It exports its own functions alone,
    // and the test program has to export those that plugins are not to call.
    .testTarget(
      name: "BridgeTestLibraryTests", exclude: ["library_test.c"], swiftSettings: swiftSettings),
    .testTarget(
      name: "NativeHeadersTests",
      dependencies: [
        "BridgePluginHost", "BridgeTools", "JSON", "NativeHeaders",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "PluginTemplatesTests", dependencies: ["PluginTemplates"], swiftSettings: swiftSettings),
    .testTarget(
      name: "BridgePluginChannelTests",
      dependencies: [
        "BridgePluginChannel", "BridgeSessions", "BridgeTools", "Threads", "TrustedFiles",
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "BridgePluginRunnerTests",
      dependencies: ["BridgePluginChannel", "BridgePluginRunner", "TrustedFiles"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "BridgePluginProcessTests",
      dependencies: [
        "BridgePluginChannel", "BridgePluginHost", "BridgePluginProcess", "BridgePluginRunner",
        "BridgeSessions", "BridgeTools", "JSON", "RemoteSessions", "Threads", "TrustedFiles",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "BridgeValidationTests",
      dependencies: [
        "BridgeSessions", "BridgeTools", "BridgeValidation", "JSON",
      ],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "BridgePluginsTests",
      dependencies: [
        "BridgePluginHost", "BridgePluginProcess", "BridgePluginRunner", "BridgePlugins",
        "BridgeSessions", "BridgeTools", "JSON", "RemoteSessions", "Threads", "TrustedFiles",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: swiftSettings),
  ],
  cxxLanguageStandard: .cxx17
)

// libFuzzer brings its own `main`: the target builds with its sanitizer only, as `Scripts/fuzz` does.
if Context.environment["BRIDGE_LIBFUZZER"] != nil {
  package.targets.append(
    .executableTarget(
      name: "LibFuzzer", dependencies: ["FuzzTargets"], path: "Tests/Fuzz/LibFuzzer",
      swiftSettings: swiftSettings))
}
