"""Fixtures of the wire tests: one host for the whole run, and sessions in it.

BRIDGE_HOST is the path of the program (default .build/debug/bridge-host), BRIDGE_PLUGINS that of
the plugin directory (default .build/plugins), both relative to the repository root.
"""

import signal

import pytest

import bridge
from generations import Builds
from stubs import rpc


def pytest_configure():
    # A job in the background may have inherited that SIGINT is ignored: its children would too.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def host():
    if not bridge.HOST.exists():
        pytest.fail(f"no host program at {bridge.HOST}: build it, or set BRIDGE_HOST")
    with bridge.start_host() as running:
        yield running


@pytest.fixture(scope="session")
def stub(host):
    """One connection that most tests share."""
    return rpc.BridgeServiceStub(host.channel(lasting=True))


@pytest.fixture
def other_stub(host):
    """A second connection."""
    return host.stub()


@pytest.fixture
def session(stub):
    """A session of the test's own, ended after it."""
    session = bridge.Session(stub)
    yield session
    session.cleanup(force=True)


@pytest.fixture(scope="session")
def builds(tmp_path_factory):
    """Builds of `generations.c`, each compiled once."""
    return Builds(tmp_path_factory.mktemp("builds"))


@pytest.fixture
def plugins(tmp_path):
    """An empty plugin directory."""
    directory = tmp_path / "plugins"
    directory.mkdir(mode=0o755)
    return directory


@pytest.fixture(autouse=True)
def host_survives(request):
    """No test may bring the shared host down, or leave its connections behind."""
    yield
    if "host" in request.fixturenames:
        running = request.getfixturevalue("host")
        running.close_channels()
        assert running.process.poll() is None, (
            f"the host exited with {running.process.returncode}\n{running.stderr_text()[-4000:]}")
