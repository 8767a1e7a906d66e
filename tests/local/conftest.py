from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from support.datalab import Datalab

from geodes_datalab.local import family
from geodes_datalab.local.layout import Layout, layout

WORKERS = 8
"""That a user of the whole datalab may have; by default it follows the machine's processors."""


@pytest.fixture
def place(tmp_path: Path) -> Layout:
    """Return a state folder, made."""
    found = layout(tmp_path / "state")
    found.make()
    return found


@pytest.fixture(scope="module")
def datalab(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Iterator[Datalab]:
    """Start the whole datalab for a module's tests; nothing may be left of it afterwards."""
    folder = tmp_path_factory.mktemp("datalab")
    state, settings = folder / "state", folder / "settings.toml"
    settings.write_text(f"[gateway.limits]\nworkers = {WORKERS}\n")
    environment = {**os.environ, "XDG_CACHE_HOME": str(shared_cache.parent)}
    arguments = [f"--settings={settings}"]
    with Datalab.start(state, arguments=arguments, environment=environment) as running:
        yield running
    assert not family.members(str(state.resolve()))
    assert not [p for p in psutil.process_iter(["cmdline"]) if str(state) in str(p.info["cmdline"])]
