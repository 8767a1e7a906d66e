"""Arguments of `load`: every form that libraries use, and never an error of Python's own."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import odc.geo
import pandas as pd
import pyproj
import pytest
import rasterio.crs
import xarray as xr
from rasterio.enums import Resampling

from geodes_datalab import cubes
from geodes_datalab.cubes.plan import arguments
from geodes_datalab.errors import CubeError, GeodesError, InvalidInput

load = partial(cubes.load, raw=True)
"""Stored numbers are compared with stored numbers."""


@pytest.fixture(scope="module")
def item(session_shelf: Any) -> dict[str, Any]:
    """One product, lying at a known place."""
    made: dict[str, Any] = session_shelf.item("arguments")
    return made


CHUNKS: dict[str, tuple[Any, tuple[int, int]]] = {
    "None": (None, (200, 300)),
    "auto": ("auto", (200, 300)),
    "empty": ({}, (200, 300)),
    "number": (64, (64, 64)),
    "numpy's": (np.int64(64), (64, 64)),
    "small": (np.uint8(64), (64, 64)),
    "all": (-1, (200, 300)),
    "mapping": ({"x": 100}, (200, 100)),
    "mapping of numpy's": ({"x": np.int32(100), "y": np.int64(50)}, (50, 100)),
    "mapping of None": ({"x": 100, "y": None}, (200, 100)),
    "mapping of auto": ({"x": 100, "y": "auto"}, (200, 100)),
    "larger than the cube": (10**9, (200, 300)),
}


@pytest.mark.parametrize("form", CHUNKS)
def test_chunks_in_every_form(item: dict[str, Any], form: str) -> None:
    given, (rows, columns) = CHUNKS[form]
    cube = load(item, "B04", chunks=given)
    assert cube["B04"].data.chunksize == (1, rows, columns)


WRONG: dict[str, list[Any]] = {
    "chunks": [True, False, 0, -2, 1.5, "many", "", [1], (1, 2), {"z": 1}, {"x": 0}, {"x": True},
               {"x": 1.5}, {"x": (1, 2)}, {1: 2}, np.array([1, 2]), np.float64(4), object()],
    "engine": [None, "", "dask", 5, True, [], {}, ["odc"], b"odc", np.array(["odc"])],
    "resampling": ["", "bilinaer", 1, True, 1.5, [], ["nearest"], b"nearest", Resampling.gauss, "gauss",
                   {"B04": "x"}, {"B04": 1}, {1: "nearest"}, {"B04": ["nearest"]}, object()],
    "groupby": [None, "", "day", 5, True, [], {}, np.array(["time", "id"]), xr.DataArray([1])],
    "versions": [None, "", "oldest", 5, True, [], {}, ["newest"], np.array(["all"]), object()],
    "threads": [0, -1, True, False, 2.0, "4", [], {}, object(), float("nan")],
    "archives": ["", 5, True, [], ["."], b"\xff", "no/such/folder", Path("nowhere"), "a\0b",
                 "~nobody-of-that-name"],
    "resolution": [0, -10, True, False, "x", "", [], (), (10,), (10, 20, 30), {}, {"x": 10}, (10, None),
                   float("nan"), float("inf"), object(), np.array([10, 20, 30]), np.array([]), [[10, 20]]],
    "crs": [True, False, "", " ", "utm", 5, -1, 1.5, [], {}, (), b"x", object(), "EPSG:1", np.int64(5)],
    "bands": [[], (), "", 5, True, [None], [5], [[]], {"B04": 1}, {}, object(), "B99", ["B04", "B99"],
              np.array([1, 2]), float("nan"), b"B04"],
    "bbox": [[], "", True, 5, "Toulouse", (1, 2, 3), float("nan"), object()],
    "geometry": [[], "", True, 5, "Toulouse", {}, (1, 2, 3), float("nan"), object()],
    "datetime": [[], "", True, 5, "spring", pd.NaT, (None, None), float("nan"), object()],
    "clip": [None, "yes", "no", 1, 0, [], {}, np.array([True, False]), float("nan")],
    "raw": [None, "yes", 1, []],
    "masked": ["yes", 1, []],
    "scaled": ["yes", 1, []],
    "progress": ["yes", 1, 0, [], {}],
}  # fmt: skip


@pytest.mark.parametrize("engine", ["odc", "stackstac"])
@pytest.mark.parametrize("name", WRONG)
def test_no_argument_makes_an_error_of_pythons_own(
    item: dict[str, Any], name: str, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for value in WRONG[name]:
        given: dict[str, Any] = {"bands": ["B04"], "engine": engine, "raw": True, name: value}
        error = refusal(lambda given=given: cubes.load(item, **given))
        assert error is not None, f"{name}={value!r} was taken"
        assert error.hint, f"{name}={value!r}"


def refusal(call: Callable[[], Any]) -> GeodesError | None:
    """Return our own error, if that is what comes; another one comes through."""
    try:
        call()
    except GeodesError as error:
        return error
    return None


@pytest.mark.parametrize(
    "given",
    [Resampling.bilinear, "bilinear", "Bilinear", " BILINEAR ", {"B04": Resampling.bilinear},
     {"B04": "Bilinear"}],
    ids=["member", "name", "capital", "shouted", "mapping of a member", "mapping"],
)  # fmt: skip
def test_resampling_in_every_form(item: dict[str, Any], given: Any) -> None:
    expected = load(item, "B04", resolution=20, resampling="bilinear")
    assert not expected.equals(load(item, "B04", resolution=20))
    xr.testing.assert_equal(load(item, "B04", resolution=20, resampling=given), expected)
    xr.testing.assert_equal(
        load(item, "B04", resolution=20, resampling=None),
        load(item, "B04", resolution=20),
    )


@pytest.mark.parametrize(
    "given",
    [20, 20.0, np.int64(20), np.float32(20), Decimal(20), (20, 20), [20, 20], np.array([20, 20]),
     np.array(20), odc.geo.resyx_(-20, 20), odc.geo.resxy_(20, -20)],
    ids=lambda given: type(given).__name__,
)  # fmt: skip
def test_resolution_in_every_form(item: dict[str, Any], given: Any) -> None:
    cube = load(item, "B04", resolution=given)
    assert tuple(cube.odc.transform)[:6] == (20, 0, 600_000, 0, -20, 4_850_020)


@pytest.mark.parametrize(
    "given",
    [32631, np.int64(32631), "EPSG:32631", "epsg:32631", "32631", rasterio.crs.CRS.from_epsg(32631),
     pyproj.CRS(32631), odc.geo.CRS("EPSG:32631"), pyproj.CRS(32631).to_wkt()],
    ids=["number", "numpy's", "text", "small", "digits", "rasterio", "pyproj", "odc-geo", "WKT"],
)  # fmt: skip
def test_crs_in_every_form(item: dict[str, Any], given: Any) -> None:
    cube = load(item, "B04", crs=given)
    assert cube.odc.crs.to_epsg() == 32631
    np.testing.assert_array_equal(cube["B04"].values, load(item, "B04")["B04"].values)


@pytest.mark.parametrize(
    "given",
    [["B04", "B08"], ("B04", "B08"), np.array(["B04", "B08"]), pd.Index(["B04", "B08"]),
     pd.Series(["B04", "B08"]), iter(["B04", "B08"]), {"B04": 1, "B08": 2}.keys(), None],
    ids=["list", "tuple", "array", "index", "column", "iterator", "keys", "None"],
)  # fmt: skip
def test_bands_in_every_form(item: dict[str, Any], given: Any) -> None:
    assert list(load(item, given).data_vars) == ["B04", "B08"]


def test_numbers_of_numpy_count_threads_and_truths(
    item: dict[str, Any], session_shelf: Any
) -> None:
    cube = load(
        item, "B04", threads=np.int64(2), raw=np.bool_(True), progress=np.bool_(False),
        archives=str(session_shelf.folder),
    )  # fmt: skip
    assert isinstance(cube["B04"].data, np.ndarray)
    assert cube["B04"].dtype == np.uint16
    assert load(item, "B04", archives=session_shelf.folder)["B04"].dtype == np.uint16


def test_wrong_arguments_are_refused_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def asked(*_: Any, **__: Any) -> Any:
        pytest.fail("something was planned")

    monkeypatch.setattr("geodes_datalab.cubes.loading.make_plan", asked)
    names = ("chunks", "engine", "resampling", "groupby", "threads", "archives", "clip", "versions")
    for name in names:
        with pytest.raises(CubeError):
            load({"type": "Feature"}, **{name: object()})
    with pytest.raises(InvalidInput, match="both bbox and geometry"):
        load([], bbox=(1, 2, 3, 4), geometry="POINT (1 2)")


def test_one_of_names_what_is_near() -> None:
    with pytest.raises(CubeError, match='did you mean "odc"'):
        arguments.one_of("engine", "ocd", {"odc": 1, "stackstac": 2})


def test_datetime_leaves_out_items_of_other_times(session_shelf: Any) -> None:
    items = [
        session_shelf.item(f"day{day}", start=f"2021-12-{day:02}T10:50:31Z", seed=day)
        for day in (1, 15, 31)
    ]
    pair = (pd.Timestamp("2021-12-15"), pd.Timestamp("2021-12-31"))
    for written in (pair, "2021-12-15/2021-12-31", slice("2021-12-15", None)):
        days = load(items, "B04", datetime=written)["time"].dt.day.values.tolist()
        assert days == [15, 31]
    assert load(items, "B04", datetime=None).sizes["time"] == 3
    with pytest.raises(CubeError, match="none of the 3 items was acquired in 2022-01-01") as caught:
        load(items, "B04", datetime="2022")
    assert "widen datetime=" in str(caught.value)
