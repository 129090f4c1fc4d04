// For Zig 0.13: `zig build` makes zig-out/lib/libmy-plugin.so.
const std = @import("std");

pub fn build(b: *std.Build) void {
    const library = b.addSharedLibrary(.{
        .name = "my-plugin",
        .root_source_file = b.path("src/my_plugin.zig"),
        .target = b.standardTargetOptions(.{}),
        .optimize = b.standardOptimizeOption(.{ .preferred_optimize_mode = .ReleaseSafe }),
        .link_libc = true,
    });
    // The headers. To take installed ones: the folder that `pkg-config --cflags bridge-plugin` names.
    library.addIncludePath(b.path("include"));
    library.setVersionScript(b.path("exports.map"));
    b.installArtifact(library);

    const tests = b.addSystemCommand(&.{"tests/run"});
    tests.addArtifactArg(library);
    b.step("test", "Run the tools and look at what they do").dependOn(&tests.step);
}
