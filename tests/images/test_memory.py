"""What a user's server takes, idle and with a notebook open: it is there for all who are logged in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from inside import Image

pytestmark = [pytest.mark.images, pytest.mark.timeout(1200)]

IDLE, OPEN = 160 * 2**20, 250 * 2**20
"""Bytes. Where nothing else has the same pages open, more is counted than on a node of many servers."""


@pytest.fixture(scope="module", params=["alone", "hub", "browser"])
def said(request: pytest.FixtureRequest, notebook: Image) -> dict[str, Any]:
    done = notebook.run("python", "/mnt/images/server_memory.py", request.param)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_an_idle_server_takes_little(said: dict[str, Any]) -> None:
    print(
        f"\nidle server: {said['bytes'] / 1e6:.0f} MB, page of the Lab after {said['seconds']:.1f} s"
    )
    print("server extensions:", *said["extensions"])
    assert said["lab"]
    assert said["trouble"] == []
    assert "geodes_datalab.server.activity" in " ".join(said["extensions"])
    assert said["bytes"] < IDLE


def test_a_server_with_one_notebook_open_takes_little(said: dict[str, Any]) -> None:
    found = said["notebook"]
    print(f"\none notebook open: {found['bytes'] / 1e6:.0f} MB:", *found["each"], sep="\n  ")
    assert found["servers"], "what is wrong in a cell is marked while one types"
    assert "F821" in found["marks"], "a name that is not there"
    assert found["bytes"] < OPEN
