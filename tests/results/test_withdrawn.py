"""Items and collections are withdrawn, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cubes_to_publish import TERMS, cube, tree, walked

import geodes_datalab as gd
from geodes_datalab.errors import PublishError, UnknownCollection


def test_an_item_goes_and_the_others_stay(place: Path) -> None:
    gd.publish(cube(), visibility="public", **TERMS)
    gone = gd.unpublish("greenness", "greenness_20240410T105029")
    assert gone == ["greenness_20240410T105029"]
    left = ["greenness_20240301T105031", "greenness_20240311T105021"]
    assert sorted(walked(place, "alice")) == left
    assert gd.search("greenness", catalogue=place).ids == left
    told = json.loads((place / "alice/greenness/collection.json").read_text())
    assert told["extent"]["temporal"]["interval"] == [["2024-03-01T10:50:31.024Z", "2024-03-11T10:50:21Z"]]  # fmt: skip
    assert not (place / "alice/greenness/greenness_20240410T105029").exists()


def test_a_whole_collection_goes(place: Path) -> None:
    gd.publish(cube(), visibility="public", **TERMS)
    gd.publish(cube(1), collection="other", licence="CC-BY-4.0", visibility="public")
    assert len(gd.unpublish("greenness")) == 3
    assert not (place / "alice/greenness").exists()
    assert sorted(walked(place, "alice")) == ["other_20240301T105031"]
    with pytest.raises(UnknownCollection):
        gd.search("greenness", catalogue=place)


def test_the_last_item_takes_its_collection_along(place: Path) -> None:
    gd.publish(cube(1), **TERMS)
    gd.unpublish("greenness", ["greenness_20240301T105031"])
    assert walked(place, "alice") == {}
    assert gd.collections(catalogue=place).ids == []


@pytest.mark.parametrize(
    ("collection", "ids", "text"),
    [
        ("greeness", None, 'did you mean "greenness"'),
        ("greenness", "greenness_2024", "no item"),
        ("../alice/greenness", None, "cannot be a collection"),
        ("", None, "cannot be a collection"),
    ],
)
def test_what_is_not_there_is_refused_and_nothing_goes(
    place: Path, collection: str, ids: str | None, text: str
) -> None:
    gd.publish(cube(1), **TERMS)
    before = tree(place)
    with pytest.raises(PublishError, match=text):
        gd.unpublish(collection, ids)
    assert tree(place) == before


def test_published_again_after_it_was_withdrawn(place: Path) -> None:
    gd.publish(cube(1), **TERMS)
    gd.unpublish("greenness")
    shown = gd.publish(cube(1), collection="greenness", licence="CC-BY-4.0")
    assert set(shown.outcome.values()) == {"new"}
    assert len(walked(place, "alice")) == 1


def test_nothing_published_at_all(place: Path) -> None:
    with pytest.raises(PublishError, match="you have published no collection"):
        gd.unpublish("greenness")
