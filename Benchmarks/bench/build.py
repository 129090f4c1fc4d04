"""Installs and builds what the benchmarks need, below .build/benchmarks."""

import pathlib
import shutil
import subprocess

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
BENCHMARKS = REPOSITORY / "Benchmarks"
OUTPUT = REPOSITORY / ".build" / "benchmarks"


def run(*command):
    """Runs a command at the top of the repository, and answers what it prints."""
    result = subprocess.run(
        [str(word) for word in command], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    if result.returncode != 0:
        raise SystemExit(f"failed: {' '.join(map(str, command))}\n{result.stdout[-4000:]}")
    return result.stdout.strip()


def is_older(target, *sources):
    return not target.exists() or any(
        source.stat().st_mtime > target.stat().st_mtime for source in sources)


def install(*packages):
    run("Scripts/install-packages", *packages)


def generator():
    """The load generator."""
    install("gcc", "libc6-dev")
    target = OUTPUT / "bridge-load"
    sources = sorted((BENCHMARKS / "Generator").glob("*.[ch]"))
    if is_older(target, *sources):
        OUTPUT.mkdir(parents=True, exist_ok=True)
        run("gcc", "-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-o", target,
            *(source for source in sources if source.suffix == ".c"), "-lnghttp2")
    return target


def host():
    """A release build of the host, and a directory of its example plugins."""
    install()
    for product in ("bridge-host", "bridge-plugin-runner", "ExampleTools", "ExampleToolsC"):
        run("swift", "build", "-c", "release", "--product", product)
    binaries = pathlib.Path(run("swift", "build", "-c", "release", "--show-bin-path"))
    plugins = OUTPUT / "plugins"
    run("Scripts/stage-plugins", binaries, plugins)
    return binaries / "bridge-host", plugins


def module_server():
    """The server of `grpc.testing.TestService` on the public interface of the module GRPC."""
    install()
    run("swift", "build", "-c", "release", "--product", "ConformanceServer")
    return pathlib.Path(
        run("swift", "build", "-c", "release", "--show-bin-path")) / "ConformanceServer"


def swift_peer():
    """The same service on grpc-swift-2."""
    options = ["-c", "release", "--package-path", BENCHMARKS / "Peers" / "Swift",
               "--scratch-path", OUTPUT / "swift"]
    run("swift", "build", *options)
    return pathlib.Path(run("swift", "build", *options, "--show-bin-path")) / "peer-swift"


def cpp_peer():
    """The same service on C++ gRPC."""
    install("g++", "libgrpc++-dev", "libprotobuf-dev", "protobuf-compiler",
            "protobuf-compiler-grpc")
    directory = OUTPUT / "cpp"
    target = directory / "peer-cpp"
    source = BENCHMARKS / "Peers" / "Cpp" / "peer.cc"
    protos = REPOSITORY / "Tests" / "ConformanceServer" / "Protos"
    if is_older(target, source, protos / "grpc/testing/test.proto"):
        directory.mkdir(parents=True, exist_ok=True)
        run("protoc", "-I", protos, f"--cpp_out={directory}", f"--grpc_out={directory}",
            f"--plugin=protoc-gen-grpc={shutil.which('grpc_cpp_plugin')}",
            "grpc/testing/test.proto")
        run("g++", "-std=c++17", "-O2", "-Wall", "-Wextra", "-I", directory, "-o", target, source,
            *sorted((directory / "grpc/testing").glob("*.cc")),
            *run("pkg-config", "--cflags", "--libs", "grpc++", "protobuf").split())
    return target
