"""One Slurm centre for the whole session, with accounts and sudo rules that only it knows."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hpc import Centre
from hpc.centre import needed, why_not
from hpc.login import Login, running, staging
from support.lab import photograph_all

ARTIFACTS = Path(__file__).parents[2] / "artifacts"


@pytest.fixture(scope="session")
def centre(shared_cache: Path) -> Iterator[Centre]:
    """A running Slurm of four nodes; skips, with the reason, where there can be none."""
    if reason := why_not():
        pytest.skip(f"no Slurm on this machine: {reason}")
    centre = Centre(Path(tempfile.mkdtemp(prefix="hpc-")), [*needed(), shared_cache])
    try:
        centre.start()
        yield centre
    finally:
        centre.stop()


@pytest.fixture(scope="session")
def login(centre: Centre) -> Iterator[Login]:
    """Our gateway on the login node, with a hub in name only; nothing may be left of its jobs."""
    with running(centre) as login:
        yield login
    assert not centre.jobs()
    left = {name: [one.name for one in staging(centre, name).glob("*")] for name in ("ada", "ben")}
    assert left == {"ada": [], "ben": []}


@pytest.fixture
def as_ada(login: Login, monkeypatch: pytest.MonkeyPatch) -> Login:
    """The environment of ada's server."""
    for name, value in login.client_environment("ada").items():
        monkeypatch.setenv(name, value)
    import dask

    dask.config.refresh()
    return login


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep a picture of every tab when a test with a browser fails."""
    report = yield
    if report.failed and call.when == "call":
        photograph_all(getattr(item, "funcargs", {}).get("browser"), ARTIFACTS, item.name)
    return report
