"""Fixtures for pytest, which finds them by itself once the package is installed."""

from __future__ import annotations

from typing import Iterator

import pytest

from ._host import Host


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "plugin(*paths, configuration=None, clock='real'): what `plugin_host` loads, and its clock")


@pytest.fixture
def plugin_host(request: pytest.FixtureRequest) -> Iterator[Host]:
    """A host of the test's own, with the plugins of the marker `plugin` loaded.

        @pytest.mark.plugin("./libweather.so", clock="sleeping")
        def test_warm_days(plugin_host): ...

    Rules of the ABI that were broken outside of calls fail the test.
    """
    marker = request.node.get_closest_marker("plugin")
    paths = marker.args if marker else ()
    options = dict(marker.kwargs) if marker else {}
    configuration = options.pop("configuration", None)
    with Host(**options) as host:
        for path in paths:
            host.load(path, configuration)
        yield host
        broken = host.violations()
        assert not broken, broken
