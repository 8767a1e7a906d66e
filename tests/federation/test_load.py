"""Items of several catalogues in one cube: the same reflectance, however each stores it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from bad_manners import serving

import geodes_datalab as gd
from geodes_datalab import errors, stac
from geodes_datalab.stac.federation.reflectance import Rule
from geodes_datalab.stac.federation.sources import Source, source

DATA = Path(__file__).parents[1] / "cubes" / "data"
SIDE = 40
PLACE = Affine(10, 0, 399_960, 0, -10, 4_900_020)
TRUTH = np.random.default_rng(3).integers(1, 6_000, (SIDE, SIDE)) / 1e4
"""Reflectances that all of them can store."""

WRITTEN: dict[str, tuple[str, str, float, dict[str, Any]]] = {
    "cdse": ("cdse-s2-l2a", "B04_10m", 0.1, {}),
    "planetary-computer": ("pc-s2-l2a", "B04", 0.1, {"s2:processing_baseline": "05.11"}),
    "older": ("pc-s2-l2a", "B04", 0.0, {}),
    "earth-search": ("earth-search-s2-l2a", "red", 0.0, {}),
}
"""Catalogue -> its recorded item, where red is, what it adds to reflectance before it stores it, properties."""


def written(folder: Path, name: str, day: int) -> dict[str, Any]:
    """Return a recorded item of a catalogue, of another day, whose red is a small file that is written here."""
    recorded, key, offset, properties = WRITTEN[name]
    item = copy.deepcopy(json.loads((DATA / f"{recorded}.json").read_text("utf-8")))
    file = folder / f"{name}-{day}.tif"
    stored = np.rint((TRUTH + offset) * 1e4).astype("uint16")
    with rasterio.open(
        file, "w", driver="GTiff", width=SIDE, height=SIDE, count=1, dtype="uint16", nodata=0,
        crs="EPSG:32631", transform=PLACE,
    ) as target:  # fmt: skip
        target.write(stored, 1)
    place = {
        "proj:code": "EPSG:32631",
        "proj:shape": [SIDE, SIDE],
        "proj:transform": list(PLACE)[:6],
    }
    held = {**item["assets"][key], "href": str(file), **place}
    for name_ in ("file:size", "file:checksum", "alternate", "proj:bbox"):
        held.pop(name_, None)
    item["assets"] = {key: held}
    item["id"] = f"S2B_MSIL2A_202406{day:02d}T105339_R051_T31TCJ_202406{day:02d}T130000"
    moment = f"2024-06-{day:02d}T10:53:39Z"
    kept = {k: v for k, v in item["properties"].items() if k not in _OTHERS}
    item["properties"] = {**kept, **properties, **place, "datetime": moment}
    return item


_OTHERS = (
    "start_datetime", "end_datetime", "s2:product_uri", "identifier", "title", "sentinel:product_id",
    "eopf:datastrip_id", "s2:datastrip_id", "proj:epsg", "proj:bbox",
)  # fmt: skip
"""Properties that would tell of the recorded product."""


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Callable[..., list[Source]]]:
    with ExitStack() as servers:

        def start(**names: str) -> list[Source]:
            found = []
            for day, (name, what) in enumerate(names.items(), 1):
                item = written(tmp_path, what, day)
                api = servers.enter_context(serving([item]))
                rules = source("planetary-computer").reflectance
                found.append(
                    Source(
                        name, name, api.url, collections={"s2": item["collection"]},
                        reflectance=rules if what in ("planetary-computer", "older") else {},
                    )
                )  # fmt: skip
            return found

        yield start


def test_same_pixels_are_the_same_reflectance_whatever_each_catalogue_stores(federation) -> None:
    chosen = federation(a="cdse", b="planetary-computer", c="older", d="earth-search")
    items = stac.search("s2", sources=chosen)
    assert len(items) == 4
    with pytest.warns(errors.ValuesInDoubt, match="it is not subtracted again"):
        cube = gd.load(items, "red")
    assert dict(cube.sizes) == {"time": 4, "y": SIDE, "x": SIDE}
    assert cube.red.attrs["units"] == "1"
    assert [str(day)[:10] for day in cube.time.values] == [f"2024-06-0{day}" for day in range(1, 5)]
    for step in cube.red.values:
        np.testing.assert_allclose(step, TRUTH, atol=1e-6)
    assert cube.odc.geobox.transform == PLACE
    assert "a:sentinel-2-l2a" in cube.attrs["source"]


def test_windows_chunks_and_threads_hold_for_the_whole(federation) -> None:
    items = stac.search("s2", sources=federation(a="cdse", b="older"))
    whole = gd.load(items, ["red"])
    part = gd.load(items, ["red"], crs="EPSG:32631", resolution=20, resampling="average", threads=2)
    assert part.sizes == {"time": 2, "y": SIDE // 2, "x": SIDE // 2}
    assert part.red.chunks is None
    small = gd.load(items, "red", chunks=16)
    assert small.red.chunks == ((1, 1), (16, 16, 8), (16, 16, 8))
    np.testing.assert_array_equal(small.red.values, whole.red.values)
    blocks = TRUTH.reshape(SIDE // 2, 2, SIDE // 2, 2).mean((1, 3))
    np.testing.assert_allclose(part.red.values[1], blocks, atol=1e-6)


def test_what_cannot_be_put_together_says_why(federation) -> None:
    items = stac.search("s2", sources=federation(a="cdse", b="older"))
    with pytest.raises(errors.InvalidInput, match="each in its own way"):
        gd.load(items, "red", raw=True)
    with pytest.raises(errors.CubeError, match=r'name bands that all have.*"red"'):
        gd.load(items)
    dicts = [dict(one) for one in items.dicts]
    dicts[0]["properties"] = {**dicts[0]["properties"], "geodes_datalab:product": "other"}
    with pytest.raises(errors.CubeError, match="the items are of 2 kinds: other, s2"):
        gd.load(dicts, "red")


def test_numbers_without_a_rule_are_not_mixed_with_reflectance(federation) -> None:
    chosen = federation(a="cdse", b="planetary-computer")
    silent = [chosen[0], Source("b", "b", chosen[1].url, collections={"s2": "sentinel-2-l2a"})]
    items = stac.search("s2", sources=silent)
    with (
        pytest.warns(errors.ValuesInDoubt),
        pytest.raises(errors.CubeError, match=r'red is in "1" in a:.*"stored numbers" in b:'),
    ):
        gd.load(items, "red")


def test_a_rule_waits_for_the_baseline(federation) -> None:
    chosen = federation(a="planetary-computer")
    rule = {"sentinel-2-l2a": Rule(0.0001, -0.1, "06.00")}
    later = Source("a", "a", chosen[0].url, collections={"s2": "sentinel-2-l2a"}, reflectance=rule)
    items = stac.search("s2", sources=[later])
    assert items.dicts[0]["assets"]["B04"]["raster:offset"] == 0.0
