"""What comes out of files of several bands: each band by what is told of it, not of the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.transform import Affine
from telling import DAY, ORIGIN

from geodes_datalab import cubes, errors, ops

SHAPE = (20, 30)
PLACE = Affine(10, 0, ORIGIN[0], 0, -10, ORIGIN[1])
WAYS: dict[str, dict[str, Any]] = {
    "odc": {"engine": "odc"},
    "stackstac": {"engine": "stackstac"},
    "now": {"threads": 2},
}
GRIDS: dict[str, dict[str, Any]] = {
    "its own": {},
    "coarser": {"resolution": 15},
    "another zone": {"crs": "EPSG:32632", "resolution": 10},
}
NAMES = ("red", "lst")
TOLD: tuple[dict[str, Any], ...] = (
    {"nodata": 0, "scale": 0.0001, "offset": -0.1},
    {"nodata": 65_535, "scale": 0.01, "offset": 200.0},
)
"""What 0 and 65535 mean is the other thing in the other band."""


def pixels(seed: int = 0, dtype: str = "uint16") -> np.ndarray:
    """Two bands, of which each has every mark somewhere, once as a value."""
    found = np.random.default_rng(seed).integers(1, 60_000, (2, *SHAPE)).astype(dtype)
    found[:, 2:5, 3:9], found[:, 8:12, 3:9] = 0, np.iinfo(dtype).max
    return found


def written(path: Path, stack: np.ndarray, bands: Sequence[Mapping[str, Any]] = ({}, {})) -> Path:
    """Write a GeoTIFF of several bands, which tells of each what is given; nodata it has one."""
    nodata = next((one["nodata"] for one in bands if "nodata" in one), None)
    profile = {
        "driver": "GTiff", "count": len(stack), "dtype": stack.dtype, "height": stack.shape[1],
        "width": stack.shape[2], "crs": "EPSG:32631", "transform": PLACE, "nodata": nodata,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(stack)
        file.scales = tuple(one.get("scale", 1.0) for one in bands)
        file.offsets = tuple(one.get("offset", 0.0) for one in bands)
        file.units = tuple(one.get("unit", "") for one in bands)
    return path


def item(
    path: Path | str, name: str = "a", *, day: int = 1, key: str = "image", **facts: Any
) -> Any:
    """Describe a file; the facts are of its asset."""
    kind = {"href": str(path), "type": "image/tiff; application=geotiff", "roles": ["data"]}
    return {
        "type": "Feature", "stac_version": "1.1.0", "stac_extensions": [], "id": name,
        "collection": "somebodys", "geometry": None, "links": [], "assets": {key: kind | facts},
        "properties": {
            "datetime": DAY.format(day, 0), "proj:code": "EPSG:32631", "proj:shape": list(SHAPE),
            "proj:transform": list(PLACE)[:6],
        },
    }  # fmt: skip


def spelt(bands: Sequence[Mapping[str, Any]], how: str, names: Sequence[str] = NAMES) -> Any:
    """Tell of each band what is given, as catalogues write it."""
    own = [
        {name if name in ("nodata", "data_type", "unit") else f"raster:{name}": value
         for name, value in one.items()} for one in bands
    ]  # fmt: skip
    if how == "bands":
        return {"bands": [{"name": name, **one} for name, one in zip(names, own, strict=True)]}
    return {"raster:bands": list(bands), "eo:bands": [{"name": name} for name in names]}


def physical(stack: np.ndarray, index: int, told: Mapping[str, Any]) -> np.ndarray:
    """Return the values of a band by numpy."""
    values = stack[index] * told.get("scale", 1.0) + told.get("offset", 0.0)
    return np.where(stack[index] == told.get("nodata", np.inf), np.nan, values)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> dict[str, Any]:
    return WAYS[request.param]


@pytest.mark.parametrize("how", ["bands", "raster:bands"])
def test_each_band_is_what_the_catalogue_says_of_it(tmp_path: Path, way, how: str) -> None:
    stack = pixels()
    one = item(written(tmp_path / "a.tif", stack), **spelt(TOLD, how))
    cube = cubes.load([one], **way)
    raw = cubes.load([one], raw=True, **way)
    assert list(cube) == list(NAMES)
    for index, (name, told) in enumerate(zip(NAMES, TOLD, strict=True)):
        expected = physical(stack, index, told)
        np.testing.assert_allclose(cube[name][0], expected, rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(raw[name][0], stack[index])
        assert (raw[name].attrs["nodata"], raw[name].attrs["scale"]) == (
            told["nodata"], told["scale"],
        )  # fmt: skip
        np.testing.assert_allclose(ops.to_physical(raw[name])[0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("method", ["nearest", "average"])
def test_so_it_is_when_it_is_resampled(tmp_path: Path, way, grid: str, method: str) -> None:
    """As a file of that band alone is, whose values other tests compare with numpy's."""
    stack = pixels()
    both = item(written(tmp_path / "a.tif", stack), **spelt(TOLD, "bands"))
    cube = cubes.load([both], resampling=method, **GRIDS[grid], **way)
    for index, (name, told) in enumerate(zip(NAMES, TOLD, strict=True)):
        path = written(tmp_path / f"{name}.tif", stack[index : index + 1], [{}])
        alone = item(path, key=name, **spelt([told], "bands", [name]))
        single = cubes.load([alone], name, resampling=method, **GRIDS[grid], **way)
        np.testing.assert_array_equal(cube[name], single[name])
        assert np.isnan(cube[name]).any()
        assert np.isfinite(cube[name]).any()


@pytest.mark.parametrize("known", ["names", "types", "nothing"])
def test_each_band_is_what_the_file_says_of_it(tmp_path: Path, way, known: str) -> None:
    """Where the catalogue tells which bands there are, with or without their type, or nothing at all."""
    bands = [{**one, "nodata": 0, "unit": unit} for one, unit in zip(TOLD, ("1", "K"), strict=True)]
    stack = pixels()
    facts = {
        "names": {"bands": [{"name": name} for name in NAMES]},
        "types": {"bands": [{"name": name, "data_type": "uint16"} for name in NAMES]},
        "nothing": {},
    }[known]
    one = item(written(tmp_path / "a.tif", stack, bands), **facts)
    cube, raw = cubes.load([one], **way), cubes.load([one], raw=True, **way)
    names = NAMES if known != "nothing" else ("image.1", "image.2")
    assert list(cube) == list(names)
    for index, (name, told) in enumerate(zip(names, bands, strict=True)):
        expected = physical(stack, index, told)
        np.testing.assert_allclose(cube[name][0], expected, rtol=1e-6, atol=1e-6)
        assert cube[name].attrs["units"] == told["unit"]
        np.testing.assert_array_equal(raw[name][0], stack[index])
        assert raw[name].attrs["scale"] == told["scale"]
        np.testing.assert_allclose(ops.to_physical(raw[name])[0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("first", [0, 1], ids=["in turn", "turned"])
def test_so_it_is_of_a_file_on_a_server(tmp_path: Path, site, first: int) -> None:
    """Lazily, at once, and warped."""
    bands = [{**one, "nodata": 0} for one in TOLD]
    stack = pixels(7)
    path = written(tmp_path / "a.tif", stack, bands)
    running = site({"a.tif": path.read_bytes()})
    facts = {"bands": [{"name": name, "data_type": "uint16"} for name in NAMES]}
    one = item(f"{running.url}/a.tif", **facts, **{"file:size": path.stat().st_size})
    names = NAMES if first == 0 else NAMES[::-1]
    for options in ({}, {"threads": 1}):
        cube = cubes.load([one], names, **options)
        for name in names:
            expected = physical(stack, NAMES.index(name), bands[NAMES.index(name)])
            np.testing.assert_allclose(cube[name][0], expected, rtol=1e-6, atol=1e-6)
    coarse, here = (cubes.load([at], names, resolution=15) for at in (one, item(path, **facts)))
    xr.testing.assert_equal(coarse, here)


VRT = """<VRTDataset rasterXSize="30" rasterYSize="20"><SRS>EPSG:32631</SRS>
<GeoTransform>{origin[0]}, 10, 0, {origin[1]}, 0, -10</GeoTransform>{bands}</VRTDataset>"""
VRT_BAND = """<VRTRasterBand dataType="{kind}" band="{band}">{nodata}<SimpleSource>
<SourceFilename relativeToVRT="1">{name}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>
</VRTRasterBand>"""


@pytest.mark.parametrize("raw", [False, True], ids=["values", "raw"])
@pytest.mark.parametrize("marks", [(0, 65_535), (65_535, 0)], ids=["0 first", "65535 first"])
def test_type_and_nodata_are_those_of_the_band(tmp_path: Path, way, marks, raw: bool) -> None:
    """A file that says something else of each band, as a virtual one can."""
    stack = [pixels()[0], pixels()[1].astype("int32")]
    parts = []
    for band, (one, mark) in enumerate(zip(stack, marks, strict=True), start=1):
        path = written(tmp_path / f"{band}.tif", one[None], [{}])
        kind = {"uint16": "UInt16", "int32": "Int32"}[str(one.dtype)]
        nodata = f"<NoDataValue>{mark}</NoDataValue>"
        parts.append(VRT_BAND.format(kind=kind, band=band, nodata=nodata, name=path.name))
    virtual = tmp_path / "both.vrt"
    virtual.write_text(VRT.format(origin=ORIGIN, bands="".join(parts)))
    told = item(virtual, bands=[{"name": name, "unit": "m"} for name in NAMES])
    cube = cubes.load([told], raw=raw, **way)
    for name, one, mark in zip(NAMES, stack, marks, strict=True):
        assert not raw or (cube[name].dtype, cube[name].attrs["nodata"]) == (one.dtype, mark)
        np.testing.assert_array_equal(
            ops.to_physical(cube)[name][0], np.where(one == mark, np.nan, one)
        )


def test_each_item_tells_which_band_it_is_and_what_it_means(tmp_path: Path, way) -> None:
    """In one file red comes first, in the next second; a third has a file for it alone."""
    first, second, third = (pixels(seed) for seed in (1, 2, 3))
    items = [
        item(written(tmp_path / "a.tif", first), "a", day=1, **spelt(TOLD, "bands")),
        item(
            written(tmp_path / "b.tif", second), "b", day=2,
            **spelt(TOLD[::-1], "raster:bands", NAMES[::-1]),
        ),
        item(
            written(tmp_path / "c.tif", third[:1], [{}]), "c", day=3, key="red",
            **spelt([{"scale": 0.5, "nodata": 7}], "bands", ["red"]),
        ),
    ]  # fmt: skip
    cube = cubes.load(items, NAMES, **way)
    expected = [
        (physical(first, 0, TOLD[0]), physical(first, 1, TOLD[1])),
        (physical(second, 1, TOLD[0]), physical(second, 0, TOLD[1])),
        (physical(third, 0, {"scale": 0.5, "nodata": 7}), np.full(SHAPE, np.nan)),
    ]
    for day, values in enumerate(expected):
        for name, value in zip(NAMES, values, strict=True):
            np.testing.assert_allclose(cube[name][day], value, rtol=1e-6, atol=1e-6)


def test_what_is_told_of_a_file_holds_for_bands_of_which_nothing_is_told(tmp_path: Path) -> None:
    """And what is told of a band goes before what is told of all of the file."""
    stack = pixels()
    path = written(tmp_path / "a.tif", stack)
    whole = {"nodata": 0, "raster:scale": 0.5, "data_type": "uint16"}
    cube = cubes.load([item(path, **whole)], ["image.1", "image.2"])
    for index, name in enumerate(("image.1", "image.2")):
        expected = physical(stack, index, {"nodata": 0, "scale": 0.5})
        np.testing.assert_allclose(cube[name][0], expected)
    own = spelt(({"scale": 0.25}, {"nodata": 65_535}), "raster:bands")
    cube = cubes.load([item(path, **whole, **own)])
    for index, told in enumerate(({"nodata": 0, "scale": 0.25}, {"nodata": 65_535, "scale": 0.5})):
        np.testing.assert_allclose(cube[NAMES[index]][0], physical(stack, index, told))


@pytest.mark.parametrize("place", ["bands", "raster:bands", "by its name"])
def test_a_band_of_classes_beside_measurements_stays_integers(tmp_path: Path, place: str) -> None:
    stack = pixels()
    stack[1] %= 12
    classes = [{"value": 0, "name": "nothing"}]
    measured = {"raster:scale": 0.0001, "nodata": 0}
    facts = {
        "bands": {"bands": [{"name": "red", **measured}, {"name": "b", "classification:classes": classes}]},
        "raster:bands": {
            "eo:bands": [{"name": "red"}, {"name": "b"}],
            "raster:bands": [{"scale": 0.0001, "nodata": 0}, {"classification:bitfields": classes}],
        },
        "by its name": {"bands": [{"name": "red", **measured}, {"name": "SCL"}]},
    }[place]  # fmt: skip
    one = item(written(tmp_path / "a.tif", stack), **facts)
    name = "SCL" if place == "by its name" else "b"
    for raw in (False, True):
        cube = cubes.load([one], ["red", name], raw=raw)
        assert cube[name].dtype == np.uint16
        assert cube[name].attrs["role"] == "mask"
        np.testing.assert_array_equal(cube[name][0], stack[1])
        assert cube["red"].attrs.get("role") is None
        np.testing.assert_allclose(
            ops.to_physical(cube)["red"][0], physical(stack, 0, {"scale": 0.0001, "nodata": 0}),
            rtol=1e-6,
        )  # fmt: skip


# --- words ---


def test_a_doubt_names_the_bands_that_it_is_of(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tif", pixels())
    one = item(path, **spelt(({"scale": 0.1}, {}), "bands"))
    with pytest.warns(errors.ValuesInDoubt, match="the integers of lst mean"):
        cube = cubes.load([one])
    assert [cube[name].attrs["units"] for name in NAMES] == ["1", "stored numbers"]
    flagged = item(path, **spelt(({"scale": 0.1, "offset": -5.0}, {"scale": 0.1}), "raster:bands"))
    flagged["properties"]["s2:boa_offset_applied"] = True
    with pytest.warns(errors.ValuesInDoubt, match=r"still tell -5 \(red\)"):
        cube = cubes.load([flagged])
    stack = pixels()
    for index, name in enumerate(NAMES):
        np.testing.assert_allclose(cube[name][0], stack[index] * 0.1, rtol=1e-6)
    alone = cubes.load([flagged], "lst")  # nothing contradicts it
    np.testing.assert_allclose(alone["lst"][0], stack[1] * 0.1, rtol=1e-6)


def test_offsets_are_told_band_by_band(tmp_path: Path) -> None:
    items = [
        item(
            written(tmp_path / f"{day}.tif", pixels(day)), f"{day}", day=day,
            **spelt(({"scale": 0.1, "offset": red}, {"scale": 0.5, "offset": 7.0}), "bands"),
        )
        for day, red in ((1, 0.0), (2, -5.0))
    ]  # fmt: skip
    raw = cubes.load(items, raw=True)
    offsets = {name: raw[raw[name].attrs["offset"]].values.tolist() for name in NAMES}
    assert offsets == {"red": [0.0, -5.0], "lst": [7.0, 7.0]}
    np.testing.assert_allclose(
        ops.to_physical(raw)["lst"], cubes.load(items)["lst"], rtol=1e-6, atol=1e-6
    )


def test_a_band_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tif", pixels(), [{"nodata": 0}, {}])
    one = item(path, "scene", **spelt(({}, {"nodata": 65_535, "scale": 1}), "bands"))
    cube = cubes.load([one], "lst", resampling="average", resolution=40)
    with pytest.raises(
        errors.ReadError, match=r"band lst of scene .*: the catalogue says that 65535"
    ):
        cube.compute()


def test_a_method_is_given_to_all_bands_of_a_file_by_its_name(tmp_path: Path) -> None:
    stack = np.arange(2 * 600).reshape(2, *SHAPE).astype("uint16")
    path = written(tmp_path / "a.tif", stack)
    for facts, names in ((spelt(({}, {}), "bands"), NAMES), ({}, ("image.1", "image.2"))):
        one = item(path, **facts)
        cube = cubes.load([one], raw=True, resolution=20, resampling={"image": "average"})
        assert list(cube) == list(names)
        for index, name in enumerate(names):
            mean = stack[index].reshape(10, 2, 15, 2).mean((1, 3))
            np.testing.assert_allclose(cube[name][0], mean, atol=0.51)


# --- any file at all ---

FIELDS = {
    "scale": st.sampled_from([None, 1.0, 0.0001, 0.5]),
    "offset": st.sampled_from([None, 0.0, -0.1, 3.0]),
    "nodata": st.sampled_from([None, 0, 7]),
}
BANDS = st.fixed_dictionaries(FIELDS).map(
    lambda one: {name: value for name, value in one.items() if value is not None}
)


@settings(max_examples=40)
@given(
    st.lists(BANDS, min_size=2, max_size=4),
    st.lists(BANDS, min_size=4, max_size=4),
    st.sampled_from(["bands", "raster:bands"]),
    st.booleans(),
)
def test_any_file_of_several_bands(tmp_path_factory, told, own, how, raw) -> None:
    """What the catalogue tells goes before what the file does; what one of them calls missing is."""
    folder = tmp_path_factory.mktemp("bands")
    stack = np.random.default_rng(5).integers(0, 12, (len(told), *SHAPE)).astype("int16")
    header = [{k: v for k, v in one.items() if k != "nodata"} for one in own[: len(told)]]
    names = [f"B{band}" for band in range(len(told))]
    units = [{**one, "unit": "m"} for one in told]  # so that no integer is in doubt
    path = written(folder / "a.tif", stack, header)
    cube = cubes.load([item(path, **spelt(units, how, names))], raw=raw)
    values = ops.to_physical(cube)
    for index, name in enumerate(names):
        says = told[index]
        numbers = says if {"scale", "offset"} & says.keys() else header[index]
        meant = {k: v for k, v in numbers.items() if k != "nodata"}
        if "nodata" in says:
            meant["nodata"] = says["nodata"]
        np.testing.assert_allclose(
            values[name][0], physical(stack, index, meant), rtol=1e-5, atol=1e-6
        )
