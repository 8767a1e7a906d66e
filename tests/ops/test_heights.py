"""Heights between vertical datums, and the refusal where PROJ lacks the grid.

The grids here are small and made by the tests: what real ones give stands in tests/images.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dask
import numpy as np
import pyproj
import pytest
import rasterio
import xarray as xr
from pyproj import datadir
from rasterio.transform import from_origin

from geodes_datalab import ops
from geodes_datalab.errors import CubeError
from geodes_datalab.ops import heights as module


def dem(value: float = 200.0, crs: str = "EPSG:32631") -> xr.DataArray:
    import odc.geo.xr  # noqa: F401 - gives arrays their .odc

    places = {"y": 4_829_000.0 - 10 * np.arange(4), "x": 370_000.0 + 10 * np.arange(5)}
    if crs != "EPSG:32631":
        places = {"latitude": 43.6 - np.arange(4) / 100, "longitude": 1.4 + np.arange(5) / 100}
    values = np.full((4, 5), value, "float32")
    found = xr.DataArray(values, coords=places, dims=tuple(places), name="dem")
    found.attrs = {"units": "m", "platform": "TanDEM-X"}
    return found.odc.assign_crs(crs)


@pytest.fixture(autouse=True)
def _forgetful() -> Iterator[None]:
    module._transformer.cache_clear()
    yield
    module._transformer.cache_clear()


@pytest.fixture
def no_grids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let PROJ see its database and nothing else, whatever is linked into this environment."""
    own = Path(datadir.get_data_dir())
    (tmp_path / "proj.db").symlink_to(own / "proj.db")
    monkeypatch.setenv("PROJ_NETWORK", "OFF")
    monkeypatch.setenv("PROJ_USER_WRITABLE_DIRECTORY", str(tmp_path / "none"))
    datadir.set_data_dir(str(tmp_path))
    with (
        ThreadPoolExecutor(2) as pool,
        dask.config.set(pool=pool),
    ):  # threads that know no other folder
        yield
    datadir.set_data_dir(str(own))


@pytest.fixture
def grids(no_grids: None, tmp_path: Path) -> None:
    """Make a geoid EGM96 at 40 m, rising eastwards, and an EGM2008 at 50 m."""
    east = np.linspace(0, 36, 361, dtype="float32") * np.ones((181, 1), "float32")
    write(tmp_path / "us_nga_egm96_15.tif", 40 + east)
    write(tmp_path / "us_nga_egm08_25.tif", 50 + 0 * east)


def write(file: Path, values: np.ndarray) -> None:
    with rasterio.open(
        file, "w", driver="GTiff", width=361, height=181, count=1, dtype="float32",
        crs="EPSG:4326", transform=from_origin(-180.5, 90.5, 1, 1),
    ) as grid:  # fmt: skip
        grid.write(values, 1)
        kind = "VERTICAL_OFFSET_GEOGRAPHIC_TO_VERTICAL"
        grid.update_tags(TYPE=kind, AREA_OR_POINT="Point")


@pytest.mark.usefixtures("no_grids")
@pytest.mark.parametrize(
    ("source", "target", "grid"),
    [
        ("ellipsoid", "EGM96", "us_nga_egm96_15.tif"),
        ("EGM2008", "ellipsoid", "us_nga_egm08_25.tif"),
        ("EGM96", "EGM2008", "us_nga_egm08_25.tif, us_nga_egm96_15.tif"),
        ("ellipsoid", "EPSG:5720", "fr_ign_RAF"),
    ],
)
def test_without_its_grid_nothing_passes_for_a_height(source: str, target: str, grid: str) -> None:
    with pytest.raises(CubeError, match=f"from {source} to {target}: PROJ has no grid") as caught:
        ops.to_vertical_datum(dem().chunk({"x": 2}), target, source=source)
    assert grid in str(caught.value)
    assert "geodes-datalab grids" in str(caught.value.hint)


@pytest.mark.usefixtures("no_grids")
def test_a_worker_without_the_grid_refuses_too() -> None:
    """The check where the graph is made holds for that machine alone."""
    y, x = np.array([[43.6]]), np.array([[1.4]])
    with pytest.raises(CubeError, match="PROJ has no grid"):
        module._separations(y, x, "EPSG:4326", "ellipsoid", "EGM96")


@pytest.mark.usefixtures("grids")
def test_closed_form() -> None:
    height = dem()
    lon, _ = pyproj.Transformer.from_crs(32631, 4326, always_xy=True).transform(
        *np.meshgrid(height.x, height.y)
    )
    geoid = 40 + (lon + 180) / 10
    found = ops.to_vertical_datum(height, "egm96", source="ellipsoid")
    assert (found.dtype, found.name, found.dims) == (np.float32, "dem", ("y", "x"))
    np.testing.assert_allclose(found.values, 200 - geoid, atol=2e-3)
    back = ops.to_vertical_datum(found, "ellipsoid")
    np.testing.assert_allclose(back.values, 200, atol=1e-4)
    between = ops.to_vertical_datum(found, "EGM2008")
    np.testing.assert_allclose(between.values, 150, atol=1e-3)


@pytest.mark.usefixtures("grids")
def test_lazy_and_the_same_in_pieces_and_over_time() -> None:
    whole = ops.to_vertical_datum(dem(), "EGM96", source="ellipsoid")
    stack = dem().chunk({"y": 2, "x": 3}).expand_dims(time=2)
    lazy = ops.to_vertical_datum(stack, "EGM96", source="ellipsoid")
    assert (lazy.dims, lazy.chunks) == (("time", "y", "x"), ((2,), (2, 2), (3, 2)))
    for date in lazy.compute():
        np.testing.assert_array_equal(date.values, whole.values)


@pytest.mark.usefixtures("grids")
def test_attributes_say_above_what() -> None:
    found = ops.to_vertical_datum(dem(), "EGM2008", source="ellipsoid")
    assert found.attrs == {
        "units": "m",
        "platform": "TanDEM-X",
        "standard_name": "height_above_geopotential_datum",
        "vertical_datum": "EGM2008",
    }
    assert found.odc.crs == "EPSG:32631"
    back = ops.to_vertical_datum(found, "ellipsoid")  # its own attribute is asked
    assert back.attrs["standard_name"] == "height_above_reference_ellipsoid"
    assert ops.to_vertical_datum(back, "ellipsoid").identical(back)


@pytest.mark.usefixtures("grids")
@pytest.mark.parametrize(("crs", "height"), [("EPSG:9518", 250), ("EPSG:4979", 200)])
def test_a_crs_with_heights_is_asked_and_kept_true(crs: str, height: float) -> None:
    found = ops.to_vertical_datum(dem(crs=crs), "ellipsoid")
    np.testing.assert_allclose(found.values, height, atol=1e-3)
    assert found.odc.crs.proj.axis_info[2:] == []


@pytest.mark.usefixtures("grids")
def test_stored_numbers_and_holes() -> None:
    stored = dem().astype("int16")
    stored[0, 0] = -32768
    stored.attrs |= {"nodata": -32768, "scale": 0.5}
    found = ops.to_vertical_datum(stored, "EGM2008", source="ellipsoid")
    assert np.isnan(found.values[0, 0])
    np.testing.assert_allclose(found.values[1:], 50, atol=1e-3)


@pytest.mark.usefixtures("grids")
def test_longitudes_from_0_to_360_are_the_same_places() -> None:
    west = dem(crs="EPSG:4326").assign_coords(longitude=-10 - np.arange(5)[::-1] / 100)
    east = west.assign_coords(longitude=west.longitude + 360)
    one, other = (
        ops.to_vertical_datum(each, "EGM96", source="ellipsoid").values for each in (west, east)
    )
    np.testing.assert_allclose(one, other, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "arguments", "words"),
    [
        ({}, {}, "not known above what"),
        ({}, {"source": "EGM69"}, "unknown vertical datum 'EGM69'"),
        ({}, {"source": "EPSG:32631"}, "unknown vertical datum"),
        ({}, {"source": "EPSG:1"}, "PROJ does not know EPSG:1"),
        ({"units": "ft"}, {"source": "EGM96"}, "not in metres"),
        ({}, {"source": "EPSG:4978"}, "unknown vertical datum"),
    ],
)
def test_what_cannot_be_meant(change: dict, arguments: dict, words: str) -> None:
    height = dem()
    height.attrs |= change
    with pytest.raises(CubeError, match=words) as caught:
        ops.to_vertical_datum(height, "EGM2008", **arguments)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("EPSG:5703", "EPSG:6360", "EPSG:6360 .* counts up in US survey foot"),
        ("EPSG:8228", "EPSG:5703", "EPSG:8228 .* counts up in foot"),
        ("EPSG:5714", "EPSG:5715", "EPSG:5715 .* counts down in metre"),
        ("EPSG:4326+6360", "EPSG:5703", "EPSG:6360"),
    ],
)
def test_feet_and_depths_are_no_heights_in_metres(source: str, target: str, words: str) -> None:
    """PROJ turns these without a grid: 200 would come back as 200."""
    with pytest.raises(CubeError, match=words) as caught:
        ops.to_vertical_datum(dem(), target, source=source)
    assert "EPSG:5703" in str(caught.value.hint)


@pytest.mark.parametrize(
    "crs",
    [
        pyproj.CRS("EPSG:4230").to_3d().to_wkt(),
        pyproj.CRS("EPSG:4275").to_3d().to_wkt(),
        "+proj=longlat +datum=WGS84 +geoidgrids=none.gtx +vunits=m +type=crs",
        "+proj=longlat +datum=WGS84 +geoidgrids=none.gtx +vunits=us-ft +type=crs",
    ],
    ids=["ED50", "NTF", "metres", "feet"],
)
def test_an_old_ellipsoid_or_an_unknown_geoid_is_not_taken_for_another(crs: str) -> None:
    """The ellipsoid of ED50 lies 64 m from that of WGS 84 at Toulouse."""
    with pytest.raises(CubeError, match=r"not known above what these heights are .*no code"):
        ops.to_vertical_datum(dem(crs=crs), "ellipsoid")


def test_what_has_no_place() -> None:
    with pytest.raises(CubeError, match="no variable"):
        ops.to_vertical_datum(dem().to_dataset(), "EGM96")  # type: ignore[arg-type]
    with pytest.raises(CubeError, match="no place"):
        ops.to_vertical_datum(xr.DataArray([[1.0]], dims=("y", "x")), "EGM96", source="EGM2008")
    with pytest.raises(CubeError, match="no place"):  # x and y of the Earth's centre
        ops.to_vertical_datum(dem(crs="EPSG:4978"), "EGM96", source="EGM2008")
