"""Pytest fixtures: a stand-in GEODES for tests. Register with ``pytest_plugins``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from geodes_datalab.standin import Catalogue, StandIn, serve


@pytest.fixture(scope="session")
def samples_cache(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the packed samples: the fixture ``shared_cache`` where there is one, else new."""
    try:
        shared: Path = request.getfixturevalue("shared_cache")
    except pytest.FixtureLookupError:
        shared = tmp_path_factory.mktemp("samples")
    return shared


@pytest.fixture(scope="session")
def samples_catalogue(samples_cache: Path) -> Catalogue:
    """The sample products and the two recorded real items."""
    return Catalogue.samples(samples_cache)


@pytest.fixture(scope="session")
def missions_catalogue(samples_cache: Path) -> Catalogue:
    """The sample products of further missions."""
    return Catalogue.missions(samples_cache)


@pytest.fixture
def geodes_factory(samples_catalogue: Catalogue) -> Iterator[Callable[..., StandIn]]:
    """Return a function that starts a stand-in; takes the arguments of `serve`.

    The sample products are served unless a catalogue is given. All servers stop with the test.
    """
    with ExitStack() as servers:

        def start(catalogue: Catalogue | None = None, **options: Any) -> StandIn:
            served = samples_catalogue if catalogue is None else catalogue
            return servers.enter_context(serve(served, **options))

        yield start


@pytest.fixture
def geodes(geodes_factory: Callable[..., StandIn]) -> StandIn:
    """A fresh stand-in: sample products, legacy profile, a quota that no test exhausts."""
    return geodes_factory()
