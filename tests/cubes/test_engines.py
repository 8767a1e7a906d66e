"""Both engines give the same grid and the same pixels, and odc-stac itself agrees."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pystac
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from geodes_datalab import cubes, errors

WEST, SOUTH, EAST, NORTH = 4.20, 43.76, 4.30, 43.82


@pytest.fixture(scope="module")
def items(session_shelf) -> list[dict[str, Any]]:
    shelf = session_shelf
    return [
        shelf.item("a", start="2024-03-01T10:50:31Z"),
        shelf.item("b", start="2024-03-01T10:50:45Z", origin=(601_000, 4_850_520), seed=1),
        shelf.item("c", start="2024-03-06T10:50:31Z", origin=(600_500, 4_849_520), seed=2),
        # 20 m pixels, and one band less
        shelf.item("d", start="2024-03-11T10:50:31Z", step=20, size=(100, 150), seed=3, bands={"B04": None}),
        # pixels that begin elsewhere than at multiples of 10 m
        shelf.item("e", start="2024-03-16T10:50:31Z", origin=(600_003, 4_850_024), seed=4),
    ]  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """Arguments of `load`: an area, a grid, a method, chunks."""
    west = draw(st.floats(WEST, EAST - 0.01))
    south = draw(st.floats(SOUTH, NORTH - 0.01))
    box = (
        west,
        south,
        west + draw(st.floats(0.001, EAST - west)),
        south + draw(st.floats(0.001, NORTH - south)),
    )
    crs, resolution = draw(
        st.sampled_from(
            [
                (None, None), (None, 10), (None, 20), (None, 30.0), (None, (10, 20)), (None, 7.5),
                ("EPSG:32631", 10), ("EPSG:32630", None), ("EPSG:3857", 15), ("EPSG:4326", 0.0002),
            ]
        )
    )  # fmt: skip
    return {
        "bbox": draw(st.sampled_from([box, None])),
        "crs": crs,
        "resolution": resolution,
        "resampling": draw(st.sampled_from(["nearest", "nearest", "bilinear", "average"])),
        "groupby": draw(st.sampled_from(["solar_day", "time", "id"])),
        "chunks": draw(st.sampled_from([None, 64, 100, {"time": 2, "y": 128, "x": -1}])),
        "bands": draw(st.sampled_from([None, ["B04"], ["nir", "red"]])),
    }


@settings(max_examples=30)
@given(request=requests(), subset=st.sets(st.integers(0, 4), min_size=1))
def test_the_engines_agree(items, request, subset) -> None:
    chosen = [items[index] for index in subset]
    try:
        by_odc = cubes.load(chosen, engine="odc", **request, raw=True)
    except errors.CubeError as error:
        expected = str(error)
    else:
        expected = ""
    if expected:
        with pytest.raises(errors.CubeError) as other:
            cubes.load(chosen, engine="stackstac", **request, raw=True)
        assert str(other.value) == expected
        return
    by_stackstac = cubes.load(chosen, engine="stackstac", **request, raw=True)
    by_odc.attrs.pop("history")
    by_stackstac.attrs.pop("history")
    assert by_odc.chunks == by_stackstac.chunks
    xr.testing.assert_identical(by_odc.compute(), by_stackstac.compute())


@settings(max_examples=12)
@given(request=requests())
def test_odc_stac_gives_the_same_pixels(items, request) -> None:
    """The plan, the time steps and the reading are ours; this is the library they imitate."""
    import odc.stac

    request |= {"bands": ["B04"], "chunks": None}
    chosen = items[:3]
    try:
        ours = cubes.load(chosen, **request, raw=True)
    except errors.CubeError:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = odc.stac.load(
            [pystac.Item.from_dict(item) for item in _with_geometry(chosen)],
            bands=["B04"], geobox=ours.odc.geobox, groupby=request["groupby"],
            resampling=request["resampling"], dtype="uint16", nodata=0,
        )  # fmt: skip
    # odc-stac keeps time steps of products that do not touch the area: they are empty, and not ours
    unit = "datetime64[D]" if request["groupby"] == "solar_day" else "datetime64[ns]"
    mine, others = (cube["time"].values.astype(unit).tolist() for cube in (ours, theirs))
    there = [step for step, time in enumerate(others) if time in mine]
    np.testing.assert_array_equal(ours["B04"].values, theirs["B04"].values[there])


def _with_geometry(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from affine import Affine
    from odc.geo.geobox import GeoBox

    found = []
    for item in items:
        properties = item["properties"]
        box = GeoBox(
            properties["proj:shape"], Affine(*properties["proj:transform"]), properties["proj:code"]
        )
        outline = box.footprint("EPSG:4326")
        found.append(
            {**item, "geometry": outline.json, "bbox": list(outline.boundingbox),
             "stac_extensions": ["https://stac-extensions.github.io/projection/v2.0.0/schema.json"]}
        )  # fmt: skip
    return found
