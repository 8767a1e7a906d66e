"""Any cube, saved in any format and opened by anybody: the numbers are numpy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from readers import READERS, SUFFIXES, readers
from series import TIMES, coordinates, identical

import geodes_datalab as gd
from geodes_datalab import ops

GRIDS = [
    GeoBox((9, 13), Affine(10, 0, 600_000, 0, -10, 4_850_020), "EPSG:32631"),
    GeoBox((5, 4), Affine(0.1, 0, -0.3, 0, -0.1, 44.7), "EPSG:4326"),
    GeoBox((3, 2), Affine(30, 0, 500_015, 0, -20, 7_000_000), "EPSG:32733"),
    GeoBox((4, 6), Affine(250, 0, -3e6, 0, -250, 1e6), "EPSG:3031"),
]
NODATA: dict[str, list[float | None]] = {
    "uint8": [None, 0, 255, -9999],
    "uint16": [None, 0, 65_535],
    "int16": [None, 0, -32_768, -9999],
    "int32": [None, -9999, 0],
    "float32": [None, 0, -9999],
}


@st.composite
def cubes(draw: st.DrawFn) -> tuple[xr.Dataset, np.ndarray]:
    """A raw cube of one band, and its physical values by numpy."""
    grid = draw(st.sampled_from(GRIDS))
    dates = draw(st.integers(1, 3))
    dtype = draw(st.sampled_from(sorted(NODATA)))
    nodata = draw(st.sampled_from(NODATA[dtype]))
    scale = draw(st.sampled_from([1.0, 0.0001, 0.01]))
    offsets = draw(st.lists(st.sampled_from([0.0, -0.1, 12.5]), min_size=dates, max_size=dates))
    stored = pixels(draw(st.integers(0, 9)), dtype, nodata, (dates, *grid.shape))
    attrs: dict[str, Any] = {"scale": scale, "offset": "stored_offset", "units": "stored numbers"}
    attrs |= {"physical_units": "1"} | ({} if nodata is None else {"nodata": nodata})
    coords = coordinates(grid, dates) | {"stored_offset": ("time", offsets)}
    cube = xr.Dataset({"band": (("time", "y", "x"), stored, attrs)}, coords)
    values = stored.astype("float64") * scale + np.array(offsets)[:, None, None]
    if nodata is not None:
        values[stored == nodata] = np.nan
    part = {"y": slice(draw(st.integers(0, 1)), None), "x": slice(0, draw(st.integers(2, 13)))}
    cube = cube.isel(part)
    blocks = draw(
        st.sampled_from([None, {"time": 1, "y": 2, "x": 3}, {"time": -1, "y": -1, "x": -1}])
    )
    return cube if blocks is None else cube.chunk(blocks), values[:, part["y"], part["x"]]


def pixels(seed: int, dtype: str, nodata: float | None, shape: tuple[int, ...]) -> np.ndarray:
    """Return numbers over all of a type, the outermost and the missing one among them."""
    chance = np.random.default_rng(seed)
    if dtype == "float32":
        stored = chance.normal(0, 3000, shape).astype(dtype)
        stored[chance.random(shape) < 0.1] = np.nan
    else:
        limits = np.iinfo(dtype)
        stored = chance.integers(limits.min, limits.max, shape, dtype, endpoint=True)
        stored.flat[:2] = limits.min, limits.max
    if nodata is not None and (dtype == "float32" or nodata >= np.iinfo(dtype).min):
        stored[chance.random(shape) < 0.2] = nodata
    return stored


@pytest.mark.parametrize("kind", SUFFIXES)
@settings(max_examples=12)
@given(made=cubes(), physical=st.booleans())
def test_any_cube_is_read_right_by_anybody(
    tmp_path_factory: pytest.TempPathFactory, kind: str, made, physical: bool
) -> None:
    cube, values = made
    cube = ops.to_physical(cube) if physical else cube
    path = gd.save(cube, tmp_path_factory.mktemp("any") / f"c{SUFFIXES[kind]}", format=kind)
    tolerance = 1e-6 * (1 + np.nanmax(np.abs(values), initial=0))
    for name in readers(kind):
        found = READERS[name](path, "band").reshape(values.shape)
        np.testing.assert_allclose(found, values, rtol=1e-6, atol=tolerance, err_msg=name)
    identical(gd.open(path), cube)


@pytest.mark.parametrize("kind", SUFFIXES)
@settings(max_examples=4)
@given(first=cubes(), blocks=st.booleans(), seed=st.integers(0, 9))
def test_any_set_of_variables_comes_back_from_files_of_their_own(
    tmp_path_factory: pytest.TempPathFactory, kind: str, first, blocks: bool, seed: int
) -> None:
    cube, _ = first
    chance = np.random.default_rng(seed)
    shape = cube["band"].shape
    others = {
        "valid": chance.random(shape) < 0.5,
        "class": chance.integers(0, 255, shape).astype("uint8"),
        "index": np.where(chance.random(shape) < 0.3, np.nan, chance.random(shape)).astype(
            "float32"
        ),
    }
    cube = cube.assign({name: (cube["band"].dims, one) for name, one in others.items()})
    cube = cube.chunk({"y": 2}) if blocks else cube
    folder = tmp_path_factory.mktemp("many")
    pattern = folder / f"{{variable}}-{{time:%Y-%m-%d}}{SUFFIXES[kind]}"
    paths = gd.save(cube, pattern, format=kind)
    assert len(paths) == 4 * cube.sizes["time"]
    back = gd.open(paths).compute()
    assert {name: one.dtype for name, one in back.data_vars.items()} == {
        name: one.dtype for name, one in cube.data_vars.items()
    }
    xr.testing.assert_equal(back, cube.compute())
    assert (back["time"].values == TIMES[: cube.sizes["time"]]).all()
