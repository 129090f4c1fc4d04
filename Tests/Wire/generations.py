"""Builds of one plugin, which tests put into the directory of a running host."""

import shutil
import subprocess

import grpc

from bridge import CODE, REPOSITORY, Session, eventually
from stubs import pb

SOURCE = REPOSITORY / "Tests/PluginFixtures/generations.c"


class Builds:
    """Compiles builds of the plugin, each once."""

    def __init__(self, directory):
        self.directory = directory
        self.made = {}

    def get(self, build=1, **definitions):
        definitions["BUILD"] = build
        key = tuple(sorted((name, str(value)) for name, value in definitions.items()))
        if key not in self.made:
            library = self.directory / f"build-{len(self.made)}.so"
            options = [f"-D{name}" if value is True else f"-D{name}={value}"
                       if isinstance(value, int) else f'-D{name}="{value}"'
                       for name, value in definitions.items()]
            subprocess.run(
                ["cc", "-std=gnu17", "-O1", "-shared", "-fPIC", "-fvisibility=hidden",
                 f"-I{REPOSITORY}/Sources/BridgePluginABI/include", *options, "-o", library, SOURCE],
                check=True)
            library.chmod(0o755)
            self.made[key] = library
        return self.made[key]


def put(source, directory, name="p.so"):
    """Puts a file into place in one step, as installers do."""
    beside = directory / f".{name}.new"
    shutil.copy(source, beside)
    beside.chmod(0o755)
    beside.rename(directory / name)



def names(stub):
    """The tools that a new session is told of."""
    session = Session(stub, create=False)
    response = stub.InitializeSession(pb.InitializeSessionRequest(session_id=session.id), timeout=30)
    stub.CleanupSession(pb.CleanupSessionRequest(session_id=session.id, force=True), timeout=30)
    return set(response.available_tools)


def build_of(session, prefix=""):
    """The build that answers; None while there is none."""
    try:
        return session.result(f"{prefix}build")
    except grpc.RpcError as error:
        assert error.code() == CODE.NOT_FOUND, error
        return None


def serves(session, build, prefix=""):
    eventually(lambda: build_of(session, prefix) == build, f"build {build} serves")
