"""A place for results, and a name for whoever publishes."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_USER", "alice")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for results, as a site configures it."""
    folder = tmp_path / "results"
    monkeypatch.setenv("GEODES_RESULTS", str(folder))
    return folder
