"""Items that are none, or not quite: read as well as they can be, or refused by name."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.small_catalogue import item, sending

import geodes_datalab as gd
from geodes_datalab import config, stac
from geodes_datalab.errors import DataError, GeodesError, ServerQuirk, ServiceError
from geodes_datalab.stac.items.held import as_dicts
from geodes_datalab.stac.items.normalise import normalise
from geodes_datalab.stac.items.sequence import Items
from geodes_datalab.stac.items.wellformed import MISREAD

ABSENT = object()

WRONG = (ABSENT, None, "x", 5, math.nan, [], [None], {"a": None})

WINDOW = (1.2, 43.2, 1.21, 43.21)

VERBS: dict[str, Callable[[Items], Any]] = {
    "repr": repr,
    "table": lambda items: items._repr_html_(),
    "item": lambda items: items[0],
    "pystac": lambda items: items.to_pystac(),
    "sums": lambda items: (items.ids, items.bbox, items.nbytes, items.older, items.newest()),
    "filter": lambda items: items.filter(datetime="2024", cloud_cover=50, tile="31TCH"),
    "geodataframe": lambda items: items.to_geodataframe(),
    "pickle": pickle.dumps,
    "held": as_dicts,
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every part of an item, itself first; of lists, the first member's."""
    yield path
    pairs = value if isinstance(value, dict) else {}
    if isinstance(value, list):
        pairs = dict(enumerate(value[:1]))
    for key, part in pairs.items():
        yield from places(part, (*path, key))


def spoilt(sound: Any, path: tuple[Any, ...], wrong: Any) -> Any:
    """Return an item in which one part is something else, or is not there."""
    if not path:
        return None if wrong is ABSENT else wrong
    found = copy.deepcopy(sound)
    at = found
    for key in path[:-1]:
        at = at[key]
    if wrong is ABSENT:
        del at[path[-1]]
    else:
        at[path[-1]] = wrong
    return found


def variants(sound: Any) -> Iterator[tuple[str, Any]]:
    for path in places(sound):
        for wrong in WRONG:
            yield f"{path} = {'absent' if wrong is ABSENT else wrong!r}", spoilt(sound, path, wrong)


def legacy(recorded: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = recorded("PEPS_S2_L1C.items-response.json")["features"][0]
    return found


def tried(call: Callable[[], Any]) -> Any:
    """Call; an error of ours, with a hint, is as good as a result."""
    try:
        return call()
    except GeodesError as error:
        return None if error.hint else pytest.fail(f"no hint: {error}")


def verbs(raw: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield what can be done with an item that a catalogue sent."""
    yield "held raw", lambda: as_dicts([raw])
    found: list[Any] = []
    yield "search", lambda: found.append(normalise(raw, {}, None, []))
    for name, call in VERBS.items() if found else ():
        yield name, partial(call, Items(found))


def failures(sound: Any) -> list[str]:
    """Return what raised anything but an error of ours, whatever part of the item is wrong."""
    found = []
    for what, raw in variants(sound):
        for verb, call in verbs(raw):
            try:
                tried(call)
            except MISREAD as error:
                found.append(f"{verb}: {what}: {type(error).__name__}: {error}")
    return found


@pytest.mark.filterwarnings("ignore::geodes_datalab.errors.GeodesWarning")
def test_no_part_of_a_standard_item_can_break_a_verb() -> None:
    assert not failures(item())


@pytest.mark.filterwarnings("ignore::geodes_datalab.errors.GeodesWarning")
def test_no_part_of_an_item_of_the_portal_can_break_a_verb(
    recorded: Callable[[str], dict[str, Any]],
) -> None:
    assert not failures(legacy(recorded))


STRUCTURE = [
    ("id",), ("properties",), ("properties", "datetime"), ("geometry",), ("geometry", "coordinates"),
    ("bbox",), ("links",), ("assets",), ("assets", "B04"), ("assets", "B04", "href"),
    ("assets", "B04", "roles"), ("assets", "B04", "eo:bands"), ("assets", "B04", "file:size"),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::geodes_datalab.errors.GeodesWarning")
@pytest.mark.parametrize("path", STRUCTURE, ids=".".join)
def test_load_and_download_fail_in_words_at_most(path: tuple[str, ...], tmp_path: Path) -> None:
    """Nobody answers at the addresses, so that an item that is read well enough ends there."""
    settings = {"GEODES_RETRIES": "0", "GEODES_CACHE_DIR": str(tmp_path / "cache")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        for wrong in (ABSENT, None, 5, "x", [None], {"a": None}):
            raw = spoilt(item(), path, wrong)
            with pytest.raises(GeodesError):
                gd.download(raw, tmp_path, catalogue="http://127.0.0.1:9", progress=False)
            tried(partial(gd.load, raw, ["B04"], bbox=WINDOW, progress=False))


@pytest.mark.parametrize(
    ("path", "wrong", "text"),
    [
        ((), None, "a NoneType stands where an item should be"),
        ((), [1], "a list stands where an item should be"),
        (("id",), ABSENT, "an item has no id but None, titled 'b'"),
        (("id",), {}, r"an item has no id but \{\}, titled 'b'"),
        (("properties",), [1], "'b' is no item: its properties are list, not an object"),
        (("assets",), ["B04"], "'b' is no item: its assets are list, not an object"),
    ],
)
def test_what_is_no_item_is_named(path: tuple[str, ...], wrong: Any, text: str) -> None:
    with (
        sending(item("a"), spoilt(item("b"), path, wrong)) as catalogue,
        pytest.raises(DataError, match=text) as caught,
    ):
        stac.search("one", catalogue=catalogue.url)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("path", "wrong", "text"),
    [
        (("assets", "thumbnail", "href"), None, 'the asset "thumbnail" of b, which has no address'),
        (("assets", "thumbnail"), 5, 'the asset "thumbnail" of b, which has no address'),
        (("geometry",), {"type": "Polygon"}, "geometry of b"),
        (("geometry", "coordinates", 0, 1), ["x", None], "geometry of b"),
        (("bbox",), [1, 2], "bbox of b"),
        (("assets", "B04", "file:size"), "large", 'file:size of "B04" of b'),
    ],
)
def test_what_can_be_done_without_is_left_out_and_told(
    path: tuple[str, ...], wrong: Any, text: str
) -> None:
    with (
        sending(item("a"), spoilt(item("b"), path, wrong), item("c")) as catalogue,
        pytest.warns(ServerQuirk, match=f"were left out: {text}"),
    ):
        found = stac.search("one", catalogue=catalogue.url)
    assert found.ids == ["a", "b", "c"]
    assert found.dicts[0]["assets"].keys() == {"B04", "thumbnail"}


@pytest.mark.parametrize("path", [("properties",), ("assets",), ("links",), ("stac_extensions",)])
@pytest.mark.parametrize("wrong", [ABSENT, None])
def test_what_is_missing_is_taken_for_empty(path: tuple[str, ...], wrong: Any) -> None:
    with sending(spoilt(item(), path, wrong)) as catalogue:
        found = stac.search("one", catalogue=catalogue.url)
    assert found.ids == ["a"]


def test_an_item_without_a_time_is_a_dictionary_still() -> None:
    found = Items([normalise(spoilt(item(), ("properties", "datetime"), ABSENT))])
    assert found.dicts[0]["properties"]["title"] == "a"
    with pytest.raises(DataError, match=r"no item of 'a'.*\n.*items\.dicts"):
        found[0]


def test_right_items_stay_as_they_are() -> None:
    points = {
        "type": "GeometryCollection",
        "geometries": [{"type": "Point", "coordinates": [1, 2]}],
    }
    collected = normalise({**item(), "geometry": points, "bbox": None})
    assert collected["geometry"] == points
    assert collected["bbox"] == [1, 2, 1, 2]
    doubts: list[str] = []
    normalise(item(), {}, None, doubts)
    assert not doubts


@pytest.mark.parametrize(
    "extra",
    [{"features": None}, {"features": {}}, {"links": None}, {"links": [{}]}, {"links": [None]}, {"links": 5}],
)  # fmt: skip
def test_a_page_that_is_none_is_told(extra: dict[str, Any]) -> None:
    with sending(item()) as catalogue:
        catalogue.extra = extra
        found = tried(lambda: stac.search("one", catalogue=catalogue.url))
    assert found is None or found.ids == ["a"]


def test_collections_that_are_none_are_left_out_and_told() -> None:
    wrong = [None, {}, {"id": 5}, {"id": "b", "extent": 5}, {"id": "c", "keywords": 5}]
    with sending() as catalogue:
        catalogue.collections = [*wrong, {"id": "a"}]
        with pytest.warns(ServerQuirk, match="left out: collection 1; collection 2; collection 5"):
            found = stac.collections(catalogue=catalogue.url)
        assert found.ids == ["a"]
        catalogue.collections = {"id": "a"}
        with pytest.raises(ServiceError, match='no "collections"'):
            stac.collections(catalogue=catalogue.url)


@pytest.mark.parametrize("answers", [[None], [5], [{"files": 5}], [{"files": [None]}]])
def test_an_archive_that_does_not_tell_what_is_online(answers: list[Any]) -> None:
    with sending() as catalogue:
        catalogue.extra = {"products": answers}
        settings = config.load(portal=catalogue.url)
        asked = spoilt(item(), ("assets", "B04", "href"), f"{catalogue.url}/a.tif")
        with pytest.raises(ServiceError, match="did not say what is online"):
            stac.availability([asked], catalogue=settings)


@pytest.mark.parametrize(
    "landing",
    [{}, {"type": "Catalog"}, {"id": 5, "type": "Catalog", "stac_version": "1.0.0", "links": None}],
)
def test_a_catalogue_that_is_none_is_told(
    landing: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with sending(item()) as catalogue:
        monkeypatch.setattr(catalogue, "landing", lambda: landing)
        with pytest.raises(ServiceError) as caught:
            stac.search("one", catalogue=catalogue.url)
    assert caught.value.hint
