"""Every key of zero-to-jupyterhub, daskhub and dask-gateway is answered for, and truly so."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

UPSTREAM = Path(__file__).parent / "data/upstream-keys.json"
PARTS = ("zero-to-jupyterhub", "daskhub", "dask-gateway")


@pytest.fixture(scope="module")
def moved(chart: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((chart / "moved-keys.yaml").read_text()))


@pytest.fixture(scope="module")
def defaults(chart: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((chart / "values.yaml").read_text()))


def known(defaults: Any, path: str) -> bool:
    for part in path.split("."):
        if not isinstance(defaults, dict) or part not in defaults:
            return False
        defaults = defaults[part]
    return True


def covers(entries: dict[str, Any], key: str) -> bool:
    parts = key.split(".")
    return any(".".join(parts[:depth]) in entries for depth in range(1, len(parts) + 1))


@pytest.mark.parametrize("part", PARTS)
def test_every_key_is_answered_for(part: str, moved: dict[str, Any]) -> None:
    keys = json.loads(UPSTREAM.read_text())[part]["keys"]
    assert len(keys) > 10
    assert [key for key in keys if not covers(moved[part], key)] == []


@pytest.mark.parametrize("part", PARTS)
def test_two_levels_stand_in_the_table_of_the_page(part: str, generator: ModuleType) -> None:
    page = generator.PAGE.read_text()
    table = page.partition(generator.BEGIN.format(part))[2].partition(generator.END.format(part))[0]
    keys = json.loads(UPSTREAM.read_text())[part]["keys"]
    wanted = {".".join(key.split(".")[:2]) for key in keys}
    # a key stands there itself, by its parent, or by each of its children
    rows = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}
    missing = [
        key
        for key in wanted
        if not covers(dict.fromkeys(rows), key) and not any(r.startswith(f"{key}.") for r in rows)
    ]
    assert missing == []


@pytest.mark.parametrize("part", PARTS)
def test_the_answers_are_true(part: str, moved: dict[str, Any], defaults: dict[str, Any]) -> None:
    for key, entry in moved[part].items():
        assert known(defaults, key) is bool(entry.get("same")), key
        ours = entry.get("ours") or []
        for target in [ours] if isinstance(ours, str) else ours:
            assert known(defaults, target), f"{key} -> {target}"
        assert entry.get("same") or ours or entry.get("note"), key


def test_dangerous_traits_lie_in_free_maps(moved: dict[str, Any], defaults: dict[str, Any]) -> None:
    for key, entry in moved["dangerous"].items():
        place = key.rsplit(".", 2)[0]
        assert known(defaults, place), key
        assert entry.get("ours") or entry.get("note"), key
