from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from geodes_datalab.local import family
from geodes_datalab.local.layout import Layout, layout
from geodes_datalab.testing.datalab import Datalab


@pytest.fixture
def place(tmp_path: Path) -> Layout:
    """Return a state folder, made."""
    found = layout(tmp_path / "state")
    found.make()
    return found


@pytest.fixture(scope="module")
def datalab(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Iterator[Datalab]:
    """Start the whole datalab for a module's tests; nothing may be left of it afterwards."""
    state = tmp_path_factory.mktemp("datalab") / "state"
    environment = {**os.environ, "XDG_CACHE_HOME": str(shared_cache.parent)}
    with Datalab.start(state, environment=environment) as running:
        yield running
    assert not family.members(str(state.resolve()))
    assert not [p for p in psutil.process_iter(["cmdline"]) if str(state) in str(p.info["cmdline"])]
