"""Publishing again: the same changes nothing, something else is refused unless it is to replace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cubes_to_publish import TERMS, cube, tree, walked

import geodes_datalab as gd
from geodes_datalab.errors import PublishError


def test_the_same_twice_rewrites_nothing(place: Path) -> None:
    gd.publish(cube(), **TERMS)
    before = tree(place)
    shown = gd.publish(cube(), **TERMS)
    assert set(shown.outcome.values()) == {"unchanged"}
    assert tree(place) == before


def test_more_dates_join_those_that_are_there(place: Path) -> None:
    gd.publish(cube(2), **TERMS)
    before = tree(place)
    shown = gd.publish(cube(3), **TERMS)
    assert list(shown.outcome.values()) == ["unchanged", "unchanged", "new"]
    assert len(walked(place, "alice")) == 3
    after = tree(place)
    assert all(after[name] == told for name, told in before.items() if name.endswith(".tif"))


def test_another_content_under_the_same_id_is_refused_whole(place: Path) -> None:
    gd.publish(cube(1), **TERMS)
    before = tree(place)
    with pytest.raises(PublishError, match="another content"):
        gd.publish(cube(2, seed=1), **TERMS)
    assert tree(place) == before
    assert not list((place / "alice").glob(".publishing-*"))


def test_it_is_replaced_where_that_is_wanted(place: Path) -> None:
    gd.publish(cube(1), **TERMS)
    shown = gd.publish(cube(1, seed=1), replace=True, **TERMS)
    assert list(shown.outcome.values()) == ["replaced"]
    found = gd.search("greenness", catalogue=place)
    np.testing.assert_array_equal(gd.load(found)["ndvi"], cube(1, seed=1)["ndvi"])
    assert len(list(place.rglob("ndvi.tif"))) == 1
    walked(place, "alice")


def test_the_same_pixels_under_another_name_are_another_item(place: Path) -> None:
    gd.publish(cube(1), **TERMS)
    gd.publish(cube(1, seed=1), name="north", **TERMS)
    assert gd.search(catalogue=place).ids == ["greenness_20240301T105031", "north_20240301T105031"]


def test_terms_of_a_collection_do_not_change_unasked(place: Path) -> None:
    gd.publish(cube(1), title="Fields", visibility="public", **TERMS)
    with pytest.raises(PublishError, match="under etalab"):
        gd.publish(cube(2), collection="greenness", licence="CC-BY-4.0", replace=True)
    with pytest.raises(PublishError, match="title"):
        gd.publish(cube(2), title="Meadows", **TERMS)
    with pytest.raises(PublishError, match="visibility"):
        gd.publish(cube(2), visibility="private", **TERMS)
    shown = gd.publish(cube(2), **TERMS)
    assert (shown.collection["title"], shown.collection["geodes_datalab:visibility"]) == ("Fields", "public")  # fmt: skip


def test_items_that_fit_into_no_table_are_refused_before_anything_is_laid(place: Path) -> None:
    gd.publish(cube(1), **TERMS)
    before = tree(place)
    other = cube(2).isel(time=[1])
    other["ndvi"] = other["ndvi"].fillna(0).astype("int16").assign_attrs(nodata=0)
    with pytest.raises(PublishError, match="one table"):
        gd.publish(other, **TERMS)
    assert tree(place) == before
    assert gd.search(catalogue=place).ids == ["greenness_20240301T105031"]
    walked(place, "alice")
