"""What every test shares: a clean environment, flags for the long tiers, a cache between runs."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support.forgetting import forget_servers
from support.waiting import patience

pytest_plugins = [
    "geodes_datalab.testing.fixtures",  # the stand-in GEODES: geodes, geodes_factory
    "support.outcomes",  # what the gate is told
    "support.longest_first",  # how workers share the files
]

# Marker -> the flag that lets it run. The flag's name stands in the skip message.
TIERS = {
    "benchmark": "--run-benchmarks",
    "browser": "--run-browser",
    "cluster": "--run-cluster",
    "images": "--run-images",
    "slurm": "--run-slurm",
    "system": "--run-system",
}
# Variables of the machine or of a hub around it that would change what is tested.
FOREIGN_PREFIXES = ("AWS_", "CPL_", "DASK_", "GDAL_", "GEODES_", "JUPYTER", "VSI_")
FOREIGN_NAMES = (
    "ALL_PROXY", "FTP_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "PYTHONPATH",
    "LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES",  # errors and tables speak the system's language
)  # fmt: skip
XDG = {
    "XDG_CACHE_HOME": ".cache",
    "XDG_CONFIG_HOME": ".config",
    "XDG_DATA_HOME": ".local/share",
    "XDG_RUNTIME_DIR": ".run",
    "XDG_STATE_HOME": ".local/state",
}
# Workers of pytest-xdist start with the temporary home of their parent: it hands the real one on.
_CACHES = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
CACHE = Path(os.environ.setdefault("TESTS_CACHE_HOME", _CACHES)) / "geodes-datalab"
# So do they with npm's settings: a site's registry and certificates stand in the real home alone.
os.environ.setdefault("NPM_CONFIG_USERCONFIG", str(Path.home() / ".npmrc"))

# Shared machines are slow at times: no deadlines. The same examples in every run: no red by luck.
settings.register_profile(
    "repository",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("repository")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("geodes-datalab", "long tiers, skipped unless asked for")
    for marker, flag in TIERS.items():
        group.addoption(flag, action="store_true", help=f"run the tests marked {marker}")


def pytest_configure(config: pytest.Config) -> None:
    # Fixtures wider than one test start servers before any per-test cleaning.
    home = tempfile.TemporaryDirectory(prefix="geodes-datalab-home-")
    config.add_cleanup(home.cleanup)
    for name in foreign_variables():
        del os.environ[name]
    os.environ.update(home_variables(Path(home.name)))
    # A font cache takes seconds to build: once per machine is enough.
    os.environ["MPLCONFIGDIR"] = str(CACHE / "matplotlib")
    os.environ["MPLBACKEND"] = "agg"
    # A shell's background job ignores Ctrl-C, and so would all that tests start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for marker, flag in TIERS.items():
            if item.get_closest_marker(marker) and not config.getoption(flag):
                item.add_marker(pytest.mark.skip(reason=f"needs {flag}"))
        have_patience(item)


def have_patience(item: pytest.Item) -> None:
    """Multiply the limit of pytest-timeout by TESTS_PATIENCE, as support.waiting does with its own."""
    marker = item.get_closest_marker("timeout")
    seconds = marker.args[0] if marker else float(item.config.getini("timeout"))
    if patience() != 1:
        item.add_marker(pytest.mark.timeout(seconds * patience()), append=False)


def foreign_variables() -> list[str]:
    return [
        name
        for name in os.environ
        if name.startswith(FOREIGN_PREFIXES) or name.upper() in FOREIGN_NAMES
    ]


def home_variables(home: Path) -> dict[str, str]:
    for folder in XDG.values():
        (home / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    return {"HOME": str(home)} | {name: str(home / folder) for name, folder in XDG.items()}


@pytest.fixture(autouse=True)
def clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Give every test an empty home and no variable that steers the datalab or its libraries."""
    for name in foreign_variables():
        monkeypatch.delenv(name)
    for name, value in home_variables(tmp_path_factory.mktemp("home")).items():
        monkeypatch.setenv(name, value)
    return


@pytest.fixture(autouse=True)
def servers_forgotten() -> None:
    """A server of another test may have had the port of one of this test."""
    forget_servers()


@pytest.fixture(autouse=True, scope="module")
def nothing_left_open() -> Iterator[None]:
    """Collect at the end of each file: a socket or a file left open is told there, not in some later test."""
    yield
    # tornado forgets closed loops, and what hangs on them, when it makes the next one
    if "tornado.ioloop" in sys.modules:
        sys.modules["tornado.ioloop"].IOLoop(make_current=False).close()
    gc.collect()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses callers: it is held, so that nobody takes it, and nobody listens on it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


@pytest.fixture(scope="session")
def shared_cache() -> Path:
    """Folder that outlives a run, for what is slow to fetch: ~/.cache/geodes-datalab."""
    CACHE.mkdir(parents=True, exist_ok=True)
    return CACHE
