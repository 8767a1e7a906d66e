"""Names that lead elsewhere are refused, and what others have put into a place harms nobody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cubes_to_publish import TERMS, cube, tree

import geodes_datalab as gd
from geodes_datalab.errors import GeodesError, PublishError, ServerQuirk
from geodes_datalab.results.checking import check
from geodes_datalab.stac.dialects import static

NAMES = [
    "../other",
    "..",
    ".",
    ".hidden",
    "a/b",
    "/etc",
    "a\\b",
    "a\nb",
    "",
    "é",
    "x" * 200,
    "{time}",
    None,
]


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_names_that_are_no_folders_are_refused(place: Path, name: Any) -> None:
    with pytest.raises(PublishError, match="cannot be a collection"):
        gd.publish(cube(1), collection=name, licence="etalab-2.0")
    if name:
        with pytest.raises(PublishError, match="name of an item"):
            gd.publish(cube(1), name=name, **TERMS)
    assert not place.exists()


@pytest.mark.parametrize("name", ["../b", "a/b", "{time}", "é"])
def test_variables_and_users_of_such_names_are_refused(
    place: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PublishError, match="name of a variable"):
        gd.publish(cube(1).rename(ndvi=name), **TERMS)
    monkeypatch.setenv("JUPYTERHUB_USER", name)
    with pytest.raises(PublishError, match="user's results"):
        gd.publish(cube(1), **TERMS)
    assert not place.exists()


def test_a_place_with_braces_is_a_folder_like_any_other(tmp_path: Path) -> None:
    folder = tmp_path / "{time} {0}"
    gd.publish(cube(1), place=folder, **TERMS)
    assert len(gd.load(gd.search(catalogue=folder))["ndvi"]) == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"id": 4}', b"[" * 100_000, b'"\xff"', b" " * (2**20)],
    ids=["empty", "cut", "list", "no text", "deep", "no utf-8", "large"],
)
def test_broken_collections_are_left_out_and_told(
    place: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static, "MOST", 2**19)
    gd.publish(cube(1), **TERMS)
    (place / "mallory/bad").mkdir(parents=True)
    (place / "mallory/bad/collection.json").write_bytes(content)
    with pytest.warns(ServerQuirk, match="mallory"):
        assert len(gd.search("greenness", catalogue=place)) == 1


def test_broken_tables_are_left_out_and_told(place: Path) -> None:
    gd.publish(cube(1), **TERMS)
    gd.publish(cube(1), collection="other", licence="etalab-2.0")
    (place / "alice/other/items.parquet").write_bytes(b"PAR1 no table")
    with pytest.warns(ServerQuirk, match="other"):
        assert gd.search(catalogue=place).ids == ["greenness_20240301T105031"]


def test_what_lies_hidden_is_no_collection(place: Path) -> None:
    gd.publish(cube(1), **TERMS)
    hidden = place / "alice/.removing-greenness-1"
    (place / "alice/greenness").rename(hidden)
    assert gd.collections(catalogue=place).ids == []


def test_texts_are_shown_and_not_run(place: Path) -> None:
    shown = gd.publish(
        cube(1), title="<script>alert(1)</script>", description="<img onerror=x>", **TERMS
    )
    assert "<script>" not in shown._repr_html_()
    assert "<img" not in shown._repr_html_()


def test_a_refusal_leaves_everything_as_it_was(place: Path) -> None:
    gd.publish(cube(1), **TERMS)
    before = tree(place)
    for bad in ("nothing", ["a.tif", 4], [], 4, {}):
        with pytest.raises((GeodesError, TypeError)):
            gd.publish(bad, **TERMS)
    assert tree(place) == before
    assert json.loads((place / "alice/greenness/collection.json").read_text())["id"] == "greenness"


def test_what_would_be_no_valid_stac_is_refused(place: Path) -> None:
    told = gd.publish(cube(1), dry_run=True, **TERMS).items.dicts[0]
    check(told)
    for bad in ({"license": 4}, {"datetime": "yesterday"}, {"gsd": -1}):
        with pytest.raises(PublishError, match="no valid STAC"):
            check({**told, "properties": {**told["properties"], **bad}})
