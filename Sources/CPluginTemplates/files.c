// Written by Scripts/generate-templates.

#include "CPluginTemplates.h"

#pragma clang diagnostic ignored "-Wc23-extensions" // embed

static const unsigned char file_0[] = {
#embed "../../Plugins/Templates/common/.editorconfig"
};
static const unsigned char file_1[] = {
#embed "../../Plugins/Templates/c/.gitignore"
};
static const unsigned char file_2[] = {
#embed "../../Plugins/Templates/common/LICENSE"
};
static const unsigned char file_3[] = {
#embed "../../Plugins/Templates/c/Makefile"
};
static const unsigned char file_4[] = {
#embed "../../Plugins/Templates/c/README.md"
};
static const unsigned char file_5[] = {
#embed "../../Plugins/Templates/c/compile_flags.txt"
};
static const unsigned char file_6[] = {
#embed "../BridgePluginABI/include/bridge/call.h"
};
static const unsigned char file_7[] = {
#embed "../BridgePluginABI/include/bridge/entry.h"
};
static const unsigned char file_8[] = {
#embed "../BridgePluginABI/include/bridge/status.h"
};
static const unsigned char file_9[] = {
#embed "../BridgePluginABI/include/bridge/tool.h"
};
static const unsigned char file_10[] = {
#embed "../BridgePluginABI/include/bridge/tools.h"
};
static const unsigned char file_11[] = {
#embed "../BridgePluginABI/include/bridge/value.h"
};
static const unsigned char file_12[] = {
#embed "../BridgePluginABI/include/bridge/variables.h"
};
static const unsigned char file_13[] = {
#embed "../BridgePluginABI/include/bridge_plugin.h"
};
static const unsigned char file_14[] = {
#embed "../../Plugins/Templates/c/src/my_plugin.c"
};
static const unsigned char file_15[] = {
#embed "../../Plugins/Templates/common/tests/run"
};
static const unsigned char file_16[] = {
#embed "../../Plugins/Templates/cpp/.clangd"
};
static const unsigned char file_17[] = {
#embed "../../Plugins/Templates/cpp/.gitignore"
};
static const unsigned char file_18[] = {
#embed "../../Plugins/Templates/cpp/CMakeLists.txt"
};
static const unsigned char file_19[] = {
#embed "../../Plugins/Templates/cpp/README.md"
};
static const unsigned char file_20[] = {
#embed "../../Plugins/Templates/cpp/exports.map"
};
static const unsigned char file_21[] = {
#embed "../../Plugins/cpp/include/bridge_plugin.hpp"
};
static const unsigned char file_22[] = {
#embed "../../Plugins/Templates/cpp/src/my_plugin.cpp"
};
static const unsigned char file_23[] = {
#embed "../../Plugins/Templates/go/.gitignore"
};
static const unsigned char file_24[] = {
#embed "../../Plugins/Templates/go/Makefile"
};
static const unsigned char file_25[] = {
#embed "../../Plugins/Templates/go/README.md"
};
static const unsigned char file_26[] = {
#embed "../../Plugins/Templates/go/bridge/call.go"
};
static const unsigned char file_27[] = {
#embed "../../Plugins/Templates/go/bridge/plugin.go"
};
static const unsigned char file_28[] = {
#embed "../../Plugins/Templates/go/bridge/shim.c"
};
static const unsigned char file_29[] = {
#embed "../../Plugins/Templates/go/bridge/shim.h"
};
static const unsigned char file_30[] = {
#embed "../../Plugins/Templates/go/bridge/values.go"
};
static const unsigned char file_31[] = {
#embed "../../Plugins/Templates/go/exports.map"
};
static const unsigned char file_32[] = {
#embed "../../Plugins/Templates/go/go.mod"
};
static const unsigned char file_33[] = {
#embed "../../Plugins/Templates/go/main.go"
};
static const unsigned char file_34[] = {
#embed "../../Plugins/Templates/rust/.gitignore"
};
static const unsigned char file_35[] = {
#embed "../../Plugins/Templates/rust/Cargo.toml"
};
static const unsigned char file_36[] = {
#embed "../../Plugins/Templates/rust/README.md"
};
static const unsigned char file_37[] = {
#embed "../../Plugins/Templates/rust/src/lib.rs"
};
static const unsigned char file_38[] = {
#embed "../../Plugins/Templates/rust/tests/tools.rs"
};
static const unsigned char file_39[] = {
#embed "../../Plugins/rust/bridge-plugin/Cargo.toml"
};
static const unsigned char file_40[] = {
#embed "../../Plugins/rust/bridge-plugin/src/call.rs"
};
static const unsigned char file_41[] = {
#embed "../../Plugins/rust/bridge-plugin/src/error.rs"
};
static const unsigned char file_42[] = {
#embed "../../Plugins/rust/bridge-plugin/src/lib.rs"
};
static const unsigned char file_43[] = {
#embed "../../Plugins/rust/bridge-plugin/src/plugin.rs"
};
static const unsigned char file_44[] = {
#embed "../../Plugins/rust/bridge-plugin/src/sys.rs"
};
static const unsigned char file_45[] = {
#embed "../../Plugins/rust/bridge-plugin/src/value.rs"
};
static const unsigned char file_46[] = {
#embed "../../Plugins/rust/bridge-plugin/src/variables.rs"
};
static const unsigned char file_47[] = {
#embed "../../Plugins/Templates/swift/.gitignore"
};
static const unsigned char file_48[] = {
#embed "../../Plugins/Templates/swift/Package.swift"
};
static const unsigned char file_49[] = {
#embed "../../Plugins/Templates/swift/README.md"
};
static const unsigned char file_50[] = {
#embed "../../Plugins/Templates/swift/Sources/MyPlugin/MyPlugin.swift"
};
static const unsigned char file_51[] = {
#embed "../../Plugins/Templates/swift/Tests/MyPluginTests/ToolTests.swift"
};
static const unsigned char file_52[] = {
#embed "../../Plugins/Templates/swift/exports.map"
};
static const unsigned char file_53[] = {
#embed "../../Plugins/Templates/swift/vendor/bridge-plugin/Package.swift"
};
static const unsigned char file_54[] = {
#embed "../BridgePlugin/Calls/CallAPI.swift"
};
static const unsigned char file_55[] = {
#embed "../BridgePlugin/Calls/CallContext+Streaming.swift"
};
static const unsigned char file_56[] = {
#embed "../BridgePlugin/Calls/CallContext+Time.swift"
};
static const unsigned char file_57[] = {
#embed "../BridgePlugin/Calls/CallContext.swift"
};
static const unsigned char file_58[] = {
#embed "../BridgePlugin/Calls/CallState.swift"
};
static const unsigned char file_59[] = {
#embed "../BridgePlugin/Calls/CancellationListener.swift"
};
static const unsigned char file_60[] = {
#embed "../BridgePlugin/Calls/Invocation.swift"
};
static const unsigned char file_61[] = {
#embed "../BridgePlugin/Calls/SessionStates.swift"
};
static const unsigned char file_62[] = {
#embed "../BridgePlugin/Calls/ToolCaller.swift"
};
static const unsigned char file_63[] = {
#embed "../BridgePlugin/Calls/ToolError.swift"
};
static const unsigned char file_64[] = {
#embed "../BridgePlugin/Parameters/DeclaredParameter.swift"
};
static const unsigned char file_65[] = {
#embed "../BridgePlugin/Parameters/Parameter+Constraints.swift"
};
static const unsigned char file_66[] = {
#embed "../BridgePlugin/Parameters/Parameter.swift"
};
static const unsigned char file_67[] = {
#embed "../BridgePlugin/Plugin/EnteredPlugin.swift"
};
static const unsigned char file_68[] = {
#embed "../BridgePlugin/Plugin/FirstRelease.swift"
};
static const unsigned char file_69[] = {
#embed "../BridgePlugin/Plugin/HostTables.swift"
};
static const unsigned char file_70[] = {
#embed "../BridgePlugin/Plugin/Plugin.swift"
};
static const unsigned char file_71[] = {
#embed "../BridgePlugin/Plugin/PluginContext.swift"
};
static const unsigned char file_72[] = {
#embed "../BridgePlugin/Plugin/PluginHost.swift"
};
static const unsigned char file_73[] = {
#embed "../BridgePlugin/Tools/AsyncTool.swift"
};
static const unsigned char file_74[] = {
#embed "../BridgePlugin/Tools/ReadOnlyTool.swift"
};
static const unsigned char file_75[] = {
#embed "../BridgePlugin/Tools/RegisteredTool+Run.swift"
};
static const unsigned char file_76[] = {
#embed "../BridgePlugin/Tools/RegisteredTool.swift"
};
static const unsigned char file_77[] = {
#embed "../BridgePlugin/Tools/Tool.swift"
};
static const unsigned char file_78[] = {
#embed "../BridgePlugin/Tools/ToolDeclaration.swift"
};
static const unsigned char file_79[] = {
#embed "../BridgePlugin/Tools/ToolOutput.swift"
};
static const unsigned char file_80[] = {
#embed "../BridgePlugin/Values/Arena.swift"
};
static const unsigned char file_81[] = {
#embed "../BridgePlugin/Values/Bytes.swift"
};
static const unsigned char file_82[] = {
#embed "../BridgePlugin/Values/JSONText.swift"
};
static const unsigned char file_83[] = {
#embed "../BridgePlugin/Values/JSONWriter.swift"
};
static const unsigned char file_84[] = {
#embed "../BridgePlugin/Values/Kept.swift"
};
static const unsigned char file_85[] = {
#embed "../BridgePlugin/Values/String+View.swift"
};
static const unsigned char file_86[] = {
#embed "../BridgePlugin/Values/Structs.swift"
};
static const unsigned char file_87[] = {
#embed "../BridgePlugin/Values/Tensor+ABI.swift"
};
static const unsigned char file_88[] = {
#embed "../BridgePlugin/Values/Tensor+Elements.swift"
};
static const unsigned char file_89[] = {
#embed "../BridgePlugin/Values/Tensor.swift"
};
static const unsigned char file_90[] = {
#embed "../BridgePlugin/Values/ToolValue+ABI.swift"
};
static const unsigned char file_91[] = {
#embed "../BridgePlugin/Values/ToolValue+Giving.swift"
};
static const unsigned char file_92[] = {
#embed "../BridgePlugin/Values/ToolValue.swift"
};
static const unsigned char file_93[] = {
#embed "../BridgePlugin/Values/ToolValueConvertible+Compounds.swift"
};
static const unsigned char file_94[] = {
#embed "../BridgePlugin/Values/ToolValueConvertible+Scalars.swift"
};
static const unsigned char file_95[] = {
#embed "../BridgePlugin/Values/ToolValueConvertible.swift"
};
static const unsigned char file_96[] = {
#embed "../BridgePlugin/Values/ValueType.swift"
};
static const unsigned char file_97[] = {
#embed "../BridgePlugin/Variables/Variable.swift"
};
static const unsigned char file_98[] = {
#embed "../BridgePlugin/Variables/VariableAware.swift"
};
static const unsigned char file_99[] = {
#embed "../BridgePlugin/Variables/VariableChange.swift"
};
static const unsigned char file_100[] = {
#embed "../BridgePlugin/Variables/VariableChanges.swift"
};
static const unsigned char file_101[] = {
#embed "../BridgePlugin/Variables/VariableDetails.swift"
};
static const unsigned char file_102[] = {
#embed "../BridgePlugin/Variables/VariableReading+Watching.swift"
};
static const unsigned char file_103[] = {
#embed "../BridgePlugin/Variables/VariableReading.swift"
};
static const unsigned char file_104[] = {
#embed "../BridgePlugin/Variables/Waiter.swift"
};
static const unsigned char file_105[] = {
#embed "../BridgePlugin/Variables/WatchHandle.swift"
};
static const unsigned char file_106[] = {
#embed "../BridgePluginABI/abi.c"
};
static const unsigned char file_107[] = {
#embed "../../Plugins/Templates/zig/.gitignore"
};
static const unsigned char file_108[] = {
#embed "../../Plugins/Templates/zig/README.md"
};
static const unsigned char file_109[] = {
#embed "../../Plugins/Templates/zig/build.zig"
};
static const unsigned char file_110[] = {
#embed "../../Plugins/Templates/zig/exports.map"
};
static const unsigned char file_111[] = {
#embed "../../Plugins/Templates/zig/src/my_plugin.zig"
};

static const plugin_template_file files[] = {
    {"c", ".editorconfig", file_0, sizeof file_0, 1, 0},
    {"c", ".gitignore", file_1, sizeof file_1, 1, 0},
    {"c", "LICENSE", file_2, sizeof file_2, 1, 0},
    {"c", "Makefile", file_3, sizeof file_3, 1, 0},
    {"c", "README.md", file_4, sizeof file_4, 1, 0},
    {"c", "compile_flags.txt", file_5, sizeof file_5, 1, 0},
    {"c", "include/bridge/call.h", file_6, sizeof file_6, 0, 0},
    {"c", "include/bridge/entry.h", file_7, sizeof file_7, 0, 0},
    {"c", "include/bridge/status.h", file_8, sizeof file_8, 0, 0},
    {"c", "include/bridge/tool.h", file_9, sizeof file_9, 0, 0},
    {"c", "include/bridge/tools.h", file_10, sizeof file_10, 0, 0},
    {"c", "include/bridge/value.h", file_11, sizeof file_11, 0, 0},
    {"c", "include/bridge/variables.h", file_12, sizeof file_12, 0, 0},
    {"c", "include/bridge_plugin.h", file_13, sizeof file_13, 0, 0},
    {"c", "src/my_plugin.c", file_14, sizeof file_14, 1, 0},
    {"c", "tests/run", file_15, sizeof file_15, 1, 1},
    {"cpp", ".clangd", file_16, sizeof file_16, 1, 0},
    {"cpp", ".editorconfig", file_0, sizeof file_0, 1, 0},
    {"cpp", ".gitignore", file_17, sizeof file_17, 1, 0},
    {"cpp", "CMakeLists.txt", file_18, sizeof file_18, 1, 0},
    {"cpp", "LICENSE", file_2, sizeof file_2, 1, 0},
    {"cpp", "README.md", file_19, sizeof file_19, 1, 0},
    {"cpp", "exports.map", file_20, sizeof file_20, 1, 0},
    {"cpp", "include/bridge/call.h", file_6, sizeof file_6, 0, 0},
    {"cpp", "include/bridge/entry.h", file_7, sizeof file_7, 0, 0},
    {"cpp", "include/bridge/status.h", file_8, sizeof file_8, 0, 0},
    {"cpp", "include/bridge/tool.h", file_9, sizeof file_9, 0, 0},
    {"cpp", "include/bridge/tools.h", file_10, sizeof file_10, 0, 0},
    {"cpp", "include/bridge/value.h", file_11, sizeof file_11, 0, 0},
    {"cpp", "include/bridge/variables.h", file_12, sizeof file_12, 0, 0},
    {"cpp", "include/bridge_plugin.h", file_13, sizeof file_13, 0, 0},
    {"cpp", "include/bridge_plugin.hpp", file_21, sizeof file_21, 0, 0},
    {"cpp", "src/my_plugin.cpp", file_22, sizeof file_22, 1, 0},
    {"cpp", "tests/run", file_15, sizeof file_15, 1, 1},
    {"go", ".editorconfig", file_0, sizeof file_0, 1, 0},
    {"go", ".gitignore", file_23, sizeof file_23, 1, 0},
    {"go", "LICENSE", file_2, sizeof file_2, 1, 0},
    {"go", "Makefile", file_24, sizeof file_24, 1, 0},
    {"go", "README.md", file_25, sizeof file_25, 1, 0},
    {"go", "bridge/call.go", file_26, sizeof file_26, 1, 0},
    {"go", "bridge/plugin.go", file_27, sizeof file_27, 1, 0},
    {"go", "bridge/shim.c", file_28, sizeof file_28, 1, 0},
    {"go", "bridge/shim.h", file_29, sizeof file_29, 1, 0},
    {"go", "bridge/values.go", file_30, sizeof file_30, 1, 0},
    {"go", "exports.map", file_31, sizeof file_31, 1, 0},
    {"go", "go.mod", file_32, sizeof file_32, 1, 0},
    {"go", "include/bridge/call.h", file_6, sizeof file_6, 0, 0},
    {"go", "include/bridge/entry.h", file_7, sizeof file_7, 0, 0},
    {"go", "include/bridge/status.h", file_8, sizeof file_8, 0, 0},
    {"go", "include/bridge/tool.h", file_9, sizeof file_9, 0, 0},
    {"go", "include/bridge/tools.h", file_10, sizeof file_10, 0, 0},
    {"go", "include/bridge/value.h", file_11, sizeof file_11, 0, 0},
    {"go", "include/bridge/variables.h", file_12, sizeof file_12, 0, 0},
    {"go", "include/bridge_plugin.h", file_13, sizeof file_13, 0, 0},
    {"go", "main.go", file_33, sizeof file_33, 1, 0},
    {"go", "tests/run", file_15, sizeof file_15, 1, 1},
    {"rust", ".editorconfig", file_0, sizeof file_0, 1, 0},
    {"rust", ".gitignore", file_34, sizeof file_34, 1, 0},
    {"rust", "Cargo.toml", file_35, sizeof file_35, 1, 0},
    {"rust", "LICENSE", file_2, sizeof file_2, 1, 0},
    {"rust", "README.md", file_36, sizeof file_36, 1, 0},
    {"rust", "src/lib.rs", file_37, sizeof file_37, 1, 0},
    {"rust", "tests/run", file_15, sizeof file_15, 1, 1},
    {"rust", "tests/tools.rs", file_38, sizeof file_38, 1, 0},
    {"rust", "vendor/bridge-plugin/Cargo.toml", file_39, sizeof file_39, 0, 0},
    {"rust", "vendor/bridge-plugin/src/call.rs", file_40, sizeof file_40, 0, 0},
    {"rust", "vendor/bridge-plugin/src/error.rs", file_41, sizeof file_41, 0, 0},
    {"rust", "vendor/bridge-plugin/src/lib.rs", file_42, sizeof file_42, 0, 0},
    {"rust", "vendor/bridge-plugin/src/plugin.rs", file_43, sizeof file_43, 0, 0},
    {"rust", "vendor/bridge-plugin/src/sys.rs", file_44, sizeof file_44, 0, 0},
    {"rust", "vendor/bridge-plugin/src/value.rs", file_45, sizeof file_45, 0, 0},
    {"rust", "vendor/bridge-plugin/src/variables.rs", file_46, sizeof file_46, 0, 0},
    {"swift", ".editorconfig", file_0, sizeof file_0, 1, 0},
    {"swift", ".gitignore", file_47, sizeof file_47, 1, 0},
    {"swift", "LICENSE", file_2, sizeof file_2, 1, 0},
    {"swift", "Package.swift", file_48, sizeof file_48, 1, 0},
    {"swift", "README.md", file_49, sizeof file_49, 1, 0},
    {"swift", "Sources/MyPlugin/MyPlugin.swift", file_50, sizeof file_50, 1, 0},
    {"swift", "Tests/MyPluginTests/ToolTests.swift", file_51, sizeof file_51, 1, 0},
    {"swift", "exports.map", file_52, sizeof file_52, 1, 0},
    {"swift", "tests/run", file_15, sizeof file_15, 1, 1},
    {"swift", "vendor/bridge-plugin/Package.swift", file_53, sizeof file_53, 1, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Calls/CallAPI.swift", file_54, sizeof file_54, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Calls/CallContext+Streaming.swift", file_55, sizeof file_55, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Calls/CallContext+Time.swift", file_56, sizeof file_56, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Calls/CallContext.swift", file_57, sizeof file_57, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Calls/CallState.swift", file_58, sizeof file_58, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Calls/CancellationListener.swift", file_59, sizeof file_59, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Calls/Invocation.swift", file_60, sizeof file_60, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Calls/SessionStates.swift", file_61, sizeof file_61, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Calls/ToolCaller.swift", file_62, sizeof file_62, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Calls/ToolError.swift", file_63, sizeof file_63, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Parameters/DeclaredParameter.swift", file_64, sizeof file_64, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Parameters/Parameter+Constraints.swift", file_65, sizeof file_65, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Parameters/Parameter.swift", file_66, sizeof file_66, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Plugin/EnteredPlugin.swift", file_67, sizeof file_67, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Plugin/FirstRelease.swift", file_68, sizeof file_68, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Plugin/HostTables.swift", file_69, sizeof file_69, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Plugin/Plugin.swift", file_70, sizeof file_70, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Plugin/PluginContext.swift", file_71, sizeof file_71, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Plugin/PluginHost.swift", file_72, sizeof file_72, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Tools/AsyncTool.swift", file_73, sizeof file_73, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Tools/ReadOnlyTool.swift", file_74, sizeof file_74, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Tools/RegisteredTool+Run.swift", file_75, sizeof file_75, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Tools/RegisteredTool.swift", file_76, sizeof file_76, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Tools/Tool.swift", file_77, sizeof file_77, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Tools/ToolDeclaration.swift", file_78, sizeof file_78, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Tools/ToolOutput.swift", file_79, sizeof file_79, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Values/Arena.swift", file_80, sizeof file_80, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Values/Bytes.swift", file_81, sizeof file_81, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Values/JSONText.swift", file_82, sizeof file_82, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Values/JSONWriter.swift", file_83, sizeof file_83, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Values/Kept.swift", file_84, sizeof file_84, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Values/String+View.swift", file_85, sizeof file_85, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Values/Structs.swift", file_86, sizeof file_86, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Values/Tensor+ABI.swift", file_87, sizeof file_87, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Values/Tensor+Elements.swift", file_88, sizeof file_88, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Values/Tensor.swift", file_89, sizeof file_89, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Values/ToolValue+ABI.swift", file_90, sizeof file_90, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Values/ToolValue+Giving.swift", file_91, sizeof file_91, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Values/ToolValue.swift", file_92, sizeof file_92, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Values/ToolValueConvertible+Compounds.swift", file_93, sizeof file_93, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Values/ToolValueConvertible+Scalars.swift", file_94, sizeof file_94, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Values/ToolValueConvertible.swift", file_95, sizeof file_95, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Values/ValueType.swift", file_96, sizeof file_96, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Variables/Variable.swift", file_97, sizeof file_97, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Variables/VariableAware.swift", file_98, sizeof file_98, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Variables/VariableChange.swift", file_99, sizeof file_99, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Variables/VariableChanges.swift", file_100, sizeof file_100, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Variables/VariableDetails.swift", file_101, sizeof file_101, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Variables/VariableReading+Watching.swift", file_102, sizeof file_102, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Variables/VariableReading.swift", file_103, sizeof file_103, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Variables/Waiter.swift", file_104, sizeof file_104, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePlugin/Variables/WatchHandle.swift", file_105, sizeof file_105, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePluginABI/abi.c", file_106, sizeof file_106, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePluginABI/include/bridge/call.h", file_6, sizeof file_6, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePluginABI/include/bridge/entry.h", file_7, sizeof file_7, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePluginABI/include/bridge/status.h", file_8, sizeof file_8, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePluginABI/include/bridge/tool.h", file_9, sizeof file_9, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePluginABI/include/bridge/tools.h", file_10, sizeof file_10, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePluginABI/include/bridge/value.h", file_11, sizeof file_11, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePluginABI/include/bridge/variables.h", file_12, sizeof file_12, 0, 0},
    {"swift", "vendor/bridge-plugin/Sources/BridgePluginABI/include/bridge_plugin.h", file_13, sizeof file_13, 0, 0},
    {"zig", ".editorconfig", file_0, sizeof file_0, 1, 0},
    {"zig", ".gitignore", file_107, sizeof file_107, 1, 0},
    {"zig", "LICENSE", file_2, sizeof file_2, 1, 0},
    {"zig", "README.md", file_108, sizeof file_108, 1, 0},
    {"zig", "build.zig", file_109, sizeof file_109, 1, 0},
    {"zig", "exports.map", file_110, sizeof file_110, 1, 0},
    {"zig", "include/bridge/call.h", file_6, sizeof file_6, 0, 0},
    {"zig", "include/bridge/entry.h", file_7, sizeof file_7, 0, 0},
    {"zig", "include/bridge/status.h", file_8, sizeof file_8, 0, 0},
    {"zig", "include/bridge/tool.h", file_9, sizeof file_9, 0, 0},
    {"zig", "include/bridge/tools.h", file_10, sizeof file_10, 0, 0},
    {"zig", "include/bridge/value.h", file_11, sizeof file_11, 0, 0},
    {"zig", "include/bridge/variables.h", file_12, sizeof file_12, 0, 0},
    {"zig", "include/bridge_plugin.h", file_13, sizeof file_13, 0, 0},
    {"zig", "src/my_plugin.zig", file_111, sizeof file_111, 1, 0},
    {"zig", "tests/run", file_15, sizeof file_15, 1, 1},
};

const plugin_template_file *plugin_template_files(size_t *count) {
  *count = sizeof files / sizeof files[0];
  return files;
}
