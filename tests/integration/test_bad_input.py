"""Each line of docs/reference/bad-input.md: the error, its words, and that nothing is half done."""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from geodes_datalab import auth, errors

sys.path.insert(0, str(Path(__file__).parent))
from cases import CASES, KINDNESSES, Case, Kindness, World

TABLE = Path(__file__).parents[2] / "docs/reference/bad-input.md"
HEAD = """# When something is wrong

What is typed or met, and what is read then. Each line is a test; nothing is lost or left half
written in any of them. This page is made by the tests: `UPDATE_DOCS=1 make test ARGS=tests/integration`.

| what is wrong | error | what is read |
|---|---|---|
"""
_told: dict[str, str] = {}


@pytest.fixture
def world(
    geodes: Any, tmp_path: Path, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    for name, value in {
        "GEODES_PORTAL": geodes.url,
        "GEODES_API_KEY": geodes.api_key,
        "GEODES_RETRIES": "1",
        "GEODES_BACKOFF": "0.01",
        "GEODES_CACHE_DIR": str(tmp_path / "cache"),
    }.items():
        monkeypatch.setenv(name, value)
    yield World(geodes, tmp_path, closed_port)
    auth.use(None)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_error_says_what_to_do(case: Case, world: World) -> None:
    case.before(world)
    with pytest.raises(case.error) as caught:
        case.call(world)
    error = caught.value
    assert error.hint
    assert world.geodes.api_key not in str(error)
    _told[case.name] = f"| {case.name} | `{type(error).__name__}` | {_plain(str(error), world)} |"
    assert _whole_or_resumable(world.folder)


@pytest.mark.parametrize("case", KINDNESSES, ids=lambda case: case.name)
def test_what_looks_bad_and_works(case: Kindness, world: World) -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert case.works(case.call(world))
    said = [str(w.message) for w in seen if issubclass(w.category, errors.GeodesWarning)]
    assert any(case.says in text for text in said) if case.says else not said
    text = _plain(said[0], world) if said else "nothing: it works"
    _told[case.name] = f"| {case.name} | {'`ServerQuirk`' if said else '-'} | {text} |"


def test_the_page_tells_it_as_it_is() -> None:
    """Runs last: compares the page with what the tests above just read."""
    names = [case.name for case in (*CASES, *KINDNESSES)]
    if set(_told) != set(names):
        pytest.skip("needs the other tests of this file in the same run")
    text = HEAD + "\n".join(_told[name] for name in names) + "\n"
    if os.environ.get("UPDATE_DOCS"):
        TABLE.write_text(text, encoding="utf-8")
    assert TABLE.read_text(encoding="utf-8") == text, (
        "run again with UPDATE_DOCS=1 and read the change"
    )


def _plain(text: str, world: World) -> str:
    """Write a message as it reads elsewhere: without this run's folders and ports."""
    text = text.replace(str(world.folder), "~")
    text = re.sub(r"127\.0\.0\.1(:\d+)?", "geodes.example", text)
    return (
        text.replace("\n  What to do: ", "<br>*What to do:* ")
        .replace("|", "\\|")
        .replace("\n", " ")
    )


def _whole_or_resumable(folder: Path) -> bool:
    """Tell whether all files left are complete archives, or parts marked as such."""
    import zipfile

    files = [path for path in folder.rglob("products/*") if path.is_file()]
    return all(path.suffix == ".part" or zipfile.is_zipfile(path) for path in files)
