"""What comes out of files that mean different things: each item's own truth, or a refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from telling import told, truth

from geodes_datalab import cubes, errors, ops

SHAPE = (6, 8)
WAYS: dict[str, dict[str, Any]] = {
    "odc": {"engine": "odc"},
    "stackstac": {"engine": "stackstac"},
    "now": {"threads": 2},
}
"""The table engine or odc-loader by Dask; stackstac's graph; the table engine at once."""
SCALED = {"raster:scale": 0.0001, "raster:offset": 0.0}


def full(value: float, dtype: str = "uint16") -> np.ndarray:
    return np.full(SHAPE, value, dtype)


def heights(dtype: str = "int16") -> np.ndarray:
    """Numbers around zero, each of them a value."""
    return (np.arange(48) - 5).clip(0 if dtype[0] == "u" else None).reshape(SHAPE).astype(dtype)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> dict[str, Any]:
    return WAYS[request.param]


# --- each item's own (A3) ---


@pytest.mark.parametrize("later", [0, 1], ids=["in turn", "turned"])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"raster:offset": 0.0}, {"raster:offset": -0.1}),
        ({"raster:scale": 0.0001}, {"raster:scale": 0.001}),
        ({"nodata": 0}, {"nodata": 3000}),
        ({"nodata": 0}, {}),
        ({"raster:scale": 0.5, "raster:offset": 7.0}, {"raster:scale": 2, "nodata": 5}),
    ],
    ids=["offset", "scale", "nodata", "nodata untold", "all"],
)
def test_each_item_is_what_it_says(tmp_path: Path, way, one, other, later: int) -> None:
    pixels = np.where(np.eye(*SHAPE) > 0, 0, 3_000).astype("uint16")
    words = [SCALED | one, SCALED | other]
    items = [
        told(tmp_path, f"i{day}", {"B04": pixels}, day=day + 1, data_type="uint16", **words[day])
        for day in (later, 1 - later)
    ]
    cube = cubes.load(items, "B04", **way).compute()["B04"]
    assert cube.dtype == np.float32
    for day, said in enumerate(words):
        plain = {name.removeprefix("raster:"): value for name, value in said.items()}
        expected = truth(next(i for i in items if i["id"] == f"i{day}"), "B04", plain)
        np.testing.assert_allclose(cube[day], expected, rtol=1e-6)


@pytest.mark.parametrize("words", [{}, {"data_type": "uint8"}], ids=["untold", "mistold"])
def test_types_are_promoted_and_no_number_is_cut(tmp_path: Path, way, words) -> None:
    items = [
        told(tmp_path, "a", {"B04": full(7, "uint8")}, day=1, nodata=0, **words),
        told(tmp_path, "b", {"B04": full(3_000, "uint16")}, day=2, nodata=0),
        told(tmp_path, "c", {"B04": full(-3, "int16")}, day=3, nodata=0),
    ]
    cube = cubes.load(items, "B04", raw=True, **way).compute()["B04"]
    assert cube.dtype == np.int32
    assert cube[:, 2, 2].values.tolist() == [7, 3_000, -3]
    assert cube.attrs["nodata"] == 0
    with pytest.warns(errors.ValuesInDoubt):
        values = cubes.load(items, "B04", **way).compute()["B04"]
    assert values[:, 2, 2].values.tolist() == [7, 3_000, -3]


def test_a_file_that_holds_more_than_the_catalogue_says_is_refused(tmp_path: Path, way) -> None:
    item = told(tmp_path, "a", {"B04": full(3_000)}, data_type="uint8", nodata=0, **SCALED)
    with pytest.raises(errors.ReadError, match="uint16, which does not fit into uint8"):
        cubes.load([item], "B04", raw=True, **way).compute()
    np.testing.assert_allclose(cubes.load([item], "B04", **way)["B04"], 0.3, rtol=1e-6)


@pytest.mark.parametrize(
    ("one", "other", "says"),
    [
        ({"raster:scale": 0.0001}, {"raster:scale": 0.001}, "different scales: 0.0001, 0.001"),
        ({"nodata": 0}, {"nodata": 255}, "missing: 0, 255"),
        ({"nodata": 0}, {}, "missing: 0, none"),
    ],
    ids=["scale", "nodata", "untold"],
)
def test_stored_numbers_that_mean_different_things_are_refused(
    tmp_path: Path, one, other, says
) -> None:
    items = [
        told(tmp_path, "a", {"B04": full(30)}, day=1, data_type="uint16", **one),
        told(tmp_path, "b", {"B04": full(30)}, day=2, data_type="uint16", **other),
    ]
    with pytest.raises(errors.StoredOtherwise, match=says) as caught:
        cubes.load(items, "B04", raw=True)
    assert "physical values" in str(caught.value)


# --- what is missing (A4) ---


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_where_nobody_says_what_is_missing_nothing_is(tmp_path: Path, way, dtype: str) -> None:
    pixels = heights(dtype)
    item = told(tmp_path, "dem", {"dem": pixels}, unit="m")
    raw = cubes.load([item], "dem", raw=True, **way)["dem"]
    assert (raw.dtype, raw.attrs.get("nodata")) == (np.dtype(dtype), None)
    np.testing.assert_array_equal(raw[0], pixels)
    values = cubes.load([item], "dem", **way)["dem"]
    assert values.attrs["units"] == "m"
    np.testing.assert_array_equal(values[0], pixels)
    np.testing.assert_array_equal(ops.to_physical(raw), values)
    np.testing.assert_array_equal(ops.mask_nodata(raw)[0], pixels)


@pytest.mark.parametrize("raw", [False, True], ids=["values", "raw"])
def test_zero_of_the_first_product_wins_where_zero_is_a_value(tmp_path: Path, way, raw) -> None:
    items = [
        told(tmp_path, "a", {"dem": heights()}, second=1, unit="m"),
        told(tmp_path, "b", {"dem": full(77, "int16")}, second=2, unit="m"),
    ]
    cube = cubes.load(items, "dem", raw=raw, **way)["dem"]
    assert cube.sizes["time"] == 1
    np.testing.assert_array_equal(cube[0], heights())


@pytest.mark.parametrize("told_by", ["file", "catalogue", "both", "each another"])
@pytest.mark.parametrize(
    ("dtype", "mark"),
    [
        ("uint16", 65_535),
        ("int16", -10_000),
        ("float32", -9999),
        ("float64", -9999),
        ("uint8", 255),
    ],
    ids=str,
)
def test_missing_is_what_somebody_said_is_missing(
    tmp_path: Path, way, dtype: str, mark: float, told_by: str
) -> None:
    pixels = heights(dtype)
    pixels[2, 3], pixels[4, 5] = mark, 9
    file = {} if told_by == "catalogue" else {"nodata": mark}
    words = {"file": {}, "catalogue": {"nodata": mark}, "both": {"nodata": mark}}
    words["each another"] = {"nodata": 9}
    item = told(tmp_path, "dem", {"dem": pixels}, unit="m", file=file, **words[told_by])
    missing = pixels == mark
    if told_by == "each another":
        missing |= pixels == 9
    values = cubes.load([item], "dem", **way)["dem"]
    np.testing.assert_array_equal(values[0], np.where(missing, np.nan, pixels))
    raw = cubes.load([item], "dem", raw=True, **way)["dem"]
    assert raw.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(raw[0] == raw.attrs["nodata"], missing)
    np.testing.assert_array_equal(ops.to_physical(raw), values)


@pytest.mark.parametrize("text", ["nan", "-inf", "none", 70_000, 0.5])
def test_a_mark_that_no_pixel_can_have_marks_none(tmp_path: Path, way, text: Any) -> None:
    item = told(tmp_path, "dem", {"dem": heights()}, unit="m", nodata=text, data_type="int16")
    for raw in (False, True):
        np.testing.assert_array_equal(
            cubes.load([item], "dem", raw=raw, **way)["dem"][0], heights()
        )


@pytest.mark.parametrize("raw", [False, True], ids=["values", "raw"])
def test_a_mask_in_the_file_says_what_is_missing(tmp_path: Path, way, raw: bool) -> None:
    seen = np.eye(*SHAPE) == 0
    item = told(tmp_path, "dem", {"dem": heights()}, unit="m", file={"mask": seen})
    cube = ops.to_physical(cubes.load([item], "dem", raw=raw, **way))["dem"]
    np.testing.assert_array_equal(cube[0], np.where(seen, heights(), np.nan))


def test_what_lies_beside_a_file_on_disk_is_told_by_it(tmp_path: Path, way) -> None:
    """Its mask, and its scale, as GDAL and rasterio read them."""
    item = told(tmp_path, "A", {"b": heights()}, data_type="int16")
    path = Path(item["assets"]["b"]["href"])
    hidden = np.zeros(SHAPE, bool)
    hidden[1] = True
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as file:
        file.write_mask(~hidden)
    assert path.with_name(f"{path.name}.msk").exists()
    path.with_name(f"{path.name}.aux.xml").write_text(
        '<PAMDataset><PAMRasterBand band="1"><Offset>3</Offset><Scale>2</Scale></PAMRasterBand></PAMDataset>'
    )
    with rasterio.open(path) as file:
        expected = np.where(file.read_masks(1) == 0, np.nan, file.read(1) * 2.0 + 3)
    assert np.isnan(expected).any()
    np.testing.assert_allclose(cubes.load([item], "b", **way)["b"].values[0], expected)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "uint32", "float32"])
def test_what_no_product_covers_is_missing_and_no_value_is(tmp_path: Path, way, dtype) -> None:
    item = told(tmp_path, "dem", {"dem": heights(dtype)}, unit="m", data_type=dtype)
    wider = {"bbox": (4.2425, 43.7955, 4.2450, 43.7970), "resolution": 10, "crs": "EPSG:32631"}
    values = cubes.load([item], "dem", **wider, **way)["dem"]
    raw = cubes.load([item], "dem", raw=True, **wider, **way)["dem"]
    assert np.isnan(values).any()
    found = values.values[np.isfinite(values.values)]
    np.testing.assert_array_equal(np.sort(found), np.sort(heights(dtype).ravel())[-found.size :])
    np.testing.assert_array_equal(ops.to_physical(raw), values)


def test_clipped_stored_numbers_need_a_mark(tmp_path: Path) -> None:
    from shapely.geometry import box

    item = told(tmp_path, "dem", {"dem": heights()}, unit="m")
    place = box(4.24355, 43.7955, 4.2450, 43.7970)
    raw = cubes.load([item], "dem", geometry=place, clip=True, raw=True)
    values = cubes.load([item], "dem", geometry=place, clip=True)
    assert raw["dem"].attrs["nodata"] not in heights()
    np.testing.assert_array_equal(ops.to_physical(raw)["dem"], values["dem"])


@pytest.mark.parametrize("method", ["nearest", "bilinear", "average"])
def test_warped_zeros_stay_values(tmp_path: Path, way, method: str) -> None:
    item = told(tmp_path, "dem", {"dem": full(0, "int16")}, unit="m", data_type="int16")
    for raw in (False, True):
        cube = cubes.load(
            [item], "dem", crs="EPSG:4326", resolution=0.0001, resampling=method, raw=raw, **way
        )
        values = ops.to_physical(cube)["dem"]
        assert set(np.unique(values.values[np.isfinite(values.values)])) == {0.0}
        assert np.isfinite(values.values).mean() > 0.5


def test_two_marks_are_not_blended(tmp_path: Path) -> None:
    pixels = heights("float32")
    item = told(tmp_path, "dem", {"dem": pixels}, unit="m", nodata=-5, file={"nodata": -4.0})
    with pytest.raises(errors.ReadError, match="nearest"):
        cubes.load([item], resolution=20, resampling="average").compute()


# --- classes (A2) ---


def test_classes_and_masks_stay_integers(tmp_path: Path, way) -> None:
    classes = (np.arange(48) % 12).reshape(SHAPE).astype("uint8")
    words = {"classification:classes": [{"value": 0, "name": "nothing"}]}
    item = told(tmp_path, "a", {"SCL": (classes, words), "B04": (full(9), SCALED | {"nodata": 0})})
    item["assets"]["clm"] = told(tmp_path, "m", {"clm": classes})["assets"]["clm"]
    item["assets"]["clm"]["roles"] = ["data", "cloud"]
    for raw in (False, True):
        cube = cubes.load([item], ["SCL", "clm", "B04"], raw=raw, **way)
        for name in ("SCL", "clm"):
            assert cube[name].dtype == np.uint8
            assert cube[name].attrs["role"] == "mask"
            np.testing.assert_array_equal(cube[name][0], classes)


def test_class_zero_of_the_first_product_wins(tmp_path: Path, way) -> None:
    words = {"classification:classes": [{"value": 0, "name": "nothing"}], "data_type": "uint8"}
    items = [
        told(tmp_path, "a", {"SCL": (full(0, "uint8"), words)}, second=1),
        told(tmp_path, "b", {"SCL": (full(255, "uint8"), words)}, second=2),
    ]
    assert set(np.unique(cubes.load(items, "SCL", **way)["SCL"])) == {0}
    assert set(np.unique(cubes.load(items[1:], "SCL", **way)["SCL"])) == {255}


# --- doubts (A12) ---


def test_numbers_without_a_scale_do_not_pass_for_physical(tmp_path: Path) -> None:
    item = told(tmp_path, "a", {"B04": full(2_000)}, nodata=0)
    with pytest.warns(errors.ValuesInDoubt, match="what the integers of B04 mean") as seen:
        cube = cubes.load([item], "B04")
    assert len(seen) == 1
    assert seen[0].filename == __file__
    assert cube["B04"].attrs["units"] == "stored numbers"
    assert cubes.load([item], "B04", raw=True)["B04"].attrs["units"] == "stored numbers"
    with pytest.warns(errors.ValuesInDoubt):
        cubes.subset(item, "B04")


@pytest.mark.parametrize(
    "words",
    [{"raster:scale": 1}, {"raster:offset": 0}, {"unit": "m"}],
    ids=["scale", "offset", "unit"],
)
def test_what_is_told_is_in_no_doubt(tmp_path: Path, words) -> None:
    item = told(tmp_path, "a", {"B04": full(2_000)}, nodata=0, **words)
    assert cubes.load([item], "B04")["B04"].attrs["units"] == words.get("unit", "1")


def test_the_file_tells_what_the_catalogue_does_not(tmp_path: Path, way) -> None:
    file = {"scale": 0.01, "offset": 200.0, "units": "K", "nodata": 0}
    items = [
        told(tmp_path, "a", {"lst": full(5_000)}, day=1, file=file),
        told(tmp_path, "b", {"lst": full(6_000)}, day=2, file={**file, "offset": 100.0}),
    ]
    cube = cubes.load(items, "lst", **way)["lst"]
    assert cube.attrs["units"] == "K"
    np.testing.assert_allclose(cube[:, 0, 0], [250, 160], rtol=1e-6)
    raw = cubes.load(items, "lst", raw=True, **way)["lst"]
    np.testing.assert_allclose(ops.to_physical(raw), cube, rtol=1e-6)
    assert ops.to_physical(raw).attrs["units"] == "K"


def test_units_that_differ_are_told(tmp_path: Path) -> None:
    items = [
        told(tmp_path, unit, {"lst": full(30)}, day=day, unit=unit)
        for day, unit in ((1, "kelvin"), (2, "celsius"))
    ]
    with pytest.warns(errors.ValuesInDoubt, match="different units of lst: kelvin, celsius"):
        cubes.load(items, "lst")


FLAGGED = {
    # flag, offset told, what must be said, physical value of 3000
    "subtracted, and told": (True, -0.1, "still tell -0.1", 0.3),
    "subtracted, and not told": (True, None, None, 0.3),
    "not subtracted, and told": (False, -0.1, "Dark water", 0.2),
    "not subtracted, and not told": (False, None, "the bands tell none", 0.3),
}


@pytest.mark.parametrize("case", FLAGGED)
def test_a_flag_that_contradicts_is_told(tmp_path: Path, case: str) -> None:
    flag, offset, says, expected = FLAGGED[case]
    words = {"raster:scale": 0.0001, "nodata": 0, "data_type": "uint16"}
    if offset is not None:
        words["raster:offset"] = offset
    facts = {"earthsearch:boa_offset_applied": flag, "s2:processing_baseline": "05.09"}
    item = told(
        tmp_path,
        "S2B_1",
        {"red": full(3_000)},
        properties=facts,
        collection="sentinel-2-l2a",
        **words,
    )
    if says is None:
        cube = cubes.load([item], "red")
    else:
        with pytest.warns(errors.ValuesInDoubt, match=says) as seen:
            cube = cubes.load([item], "red")
        assert "S2B_1" in str(seen[0].message)
    np.testing.assert_allclose(cube["red"].values, expected, rtol=1e-5)


@pytest.mark.parametrize("flag", ["true", "True", 1, 1.0, np.True_], ids=repr)
def test_a_flag_is_a_flag_however_it_is_written(tmp_path: Path, flag: Any) -> None:
    """Tables, from which items may come, make numbers and texts of it."""
    words = {"raster:scale": 0.0001, "raster:offset": -0.1, "nodata": 0, "data_type": "uint16"}
    item = told(
        tmp_path, "a", {"red": full(3_000)}, properties={"s2:boa_offset_applied": flag}, **words
    )
    with pytest.warns(errors.ValuesInDoubt, match="still tell -0.1"):
        cube = cubes.load([item], "red")
    np.testing.assert_allclose(cube["red"].values, 0.3, rtol=1e-5)


@pytest.mark.parametrize("baseline", [2.14, "2.14", "02.14"], ids=repr)
def test_an_early_baseline_needs_no_offset(tmp_path: Path, recwarn, baseline: Any) -> None:
    words = {"raster:scale": 0.0001, "nodata": 0, "data_type": "uint16"}
    facts = {"s2:boa_offset_applied": False, "s2:processing_baseline": baseline}
    cube = cubes.load([told(tmp_path, "a", {"red": full(3_000)}, properties=facts, **words)], "red")
    np.testing.assert_allclose(cube["red"].values, 0.3, rtol=1e-5)
    assert not [one for one in recwarn if one.category is errors.ValuesInDoubt]


def test_baselines_that_nobody_tells_apart_are_named(tmp_path: Path) -> None:
    items = [
        told(
            tmp_path,
            name,
            {"B04": full(3_000)},
            day=day,
            properties={"s2:processing_baseline": one},
        )
        for day, (name, one) in enumerate((("a", "03.01"), ("b", "05.09")), 1)
    ]
    with pytest.warns(errors.ValuesInDoubt, match="baseline 04.00"):
        cubes.load(items, "B04")


# --- any items at all ---

MARKS = st.sampled_from([None, None, 0, 7])
FIELDS: dict[str, Any] = {
    "scale": st.sampled_from([None, 1.0, 0.0001, 0.5]),
    "offset": st.sampled_from([None, 0.0, -0.1, 3.0]),
    "nodata": MARKS,
}
DTYPES = ("uint8", "int16", "uint16", "int32", "float32")


@st.composite
def item_sets(draw: st.DrawFn) -> list[dict[str, Any]]:
    """What up to four items say of themselves, and hold."""
    common = {name: draw(field) for name, field in FIELDS.items()}
    return [
        {
            "dtype": draw(st.sampled_from(DTYPES)),
            "words": {
                name: draw(st.one_of(st.just(common[name]), field))
                for name, field in FIELDS.items()
            },
            "file": draw(MARKS),
            "typed": draw(st.booleans()),
            "day": draw(st.integers(1, 2)),
            "seed": draw(st.integers(0, 99)),
        }
        for _ in range(draw(st.integers(1, 4)))
    ]


def made(folder: Path, one: dict[str, Any], number: int) -> tuple[dict[str, Any], np.ndarray]:
    """Return an item, and its physical values."""
    pixels = np.random.default_rng(one["seed"]).integers(0, 12, SHAPE).astype(one["dtype"])
    words = {name: value for name, value in one["words"].items() if value is not None}
    said = {name if name == "nodata" else f"raster:{name}": value for name, value in words.items()}
    if one["typed"]:
        said["data_type"] = one["dtype"]
    item = told(
        folder, f"i{number}", {"B": pixels}, day=one["day"], second=number,
        file={"nodata": one["file"]}, **said,
    )  # fmt: skip
    return item, truth(item, "B", words)


@settings(max_examples=60)
@given(known=item_sets(), method=st.sampled_from(sorted(WAYS)))
@pytest.mark.filterwarnings("ignore::geodes_datalab.errors.ValuesInDoubt")
def test_any_items_are_their_own_truth_or_refused(tmp_path_factory, known, method: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    pairs = [made(folder, one, number) for number, one in enumerate(known)]
    items = [item for item, _ in pairs]
    days = sorted({one["day"] for one in known})
    expected = np.full((len(days), *SHAPE), np.nan)
    for one, (_, values) in zip(known, pairs, strict=True):  # the first that has a value wins
        plane = expected[days.index(one["day"])]
        plane[:] = np.where(np.isnan(plane), values, plane)
    cube = cubes.load(items, "B", **WAYS[method])["B"]
    np.testing.assert_allclose(cube.values, expected, rtol=1e-5, atol=1e-6)
    try:
        raw = cubes.load(items, "B", raw=True, **WAYS[method])
    except errors.StoredOtherwise:
        said = [{**one["words"], "file": one["file"]} for one in known]
        assert any(one != said[0] for one in said)  # nothing is refused that is all alike
        return
    np.testing.assert_allclose(ops.to_physical(raw)["B"].values, expected, rtol=1e-5, atol=1e-6)
    numbers = raw["B"].values
    for step, day in enumerate(days):
        (index, *others) = [n for n, one in enumerate(known) if one["day"] == day]
        if not others:
            with rasterio.open(items[index]["assets"]["B"]["href"]) as file:
                seen = np.isfinite(expected[step])
                np.testing.assert_array_equal(numbers[step][seen], file.read(1)[seen])


@settings(max_examples=20)
@given(known=item_sets())
@pytest.mark.filterwarnings("ignore::geodes_datalab.errors.ValuesInDoubt")
def test_engines_agree_on_any_items(tmp_path_factory, known) -> None:
    folder = tmp_path_factory.mktemp("agree")
    items = [made(folder, one, number)[0] for number, one in enumerate(known)]
    grid = {"crs": "EPSG:3857", "resolution": 12}
    found = [cubes.load(items, "B", **grid, **way).compute() for way in WAYS.values()]
    for one in found:
        one.attrs.pop("history")
    assume(found[0]["B"].size > 0)
    for one in found[1:]:
        xr.testing.assert_identical(one, found[0])


# --- what is told by the file alone, or is no number ---


@pytest.mark.parametrize("said", [{}, {"unit": "m"}], ids=["nothing", "units"])
@pytest.mark.parametrize("first", [0, 1], ids=["in turn", "turned"])
def test_raw_numbers_mean_what_their_file_says(tmp_path: Path, way, said, first: int) -> None:
    """The catalogue tells type and nodata of both, and of one alone how it is scaled."""
    words = {"data_type": "uint8", "nodata": 0, **said}
    scaled = {"raster:scale": 0.25, "raster:offset": 10.0}
    items = [
        told(
            tmp_path, "file", {"B04": heights("uint8")}, day=1 + first, **words,
            file={"scale": 0.25, "offset": 10.0},
        ),
        told(tmp_path, "told", {"B04": heights("uint8")}, day=2 - first, **words, **scaled),
    ]  # fmt: skip
    expected = np.where(heights("uint8") == 0, np.nan, heights("uint8") * 0.25 + 10)
    raw = cubes.load(items, raw=True, **way)
    for cube in (cubes.load(items, **way), ops.to_physical(raw)):
        for date in cube["B04"]:
            np.testing.assert_allclose(date, expected)
        assert cube["B04"].attrs["units"] == said.get("unit", "1")


@pytest.mark.parametrize("word", ["raster:scale", "raster:offset"])
@pytest.mark.parametrize("value", ["nan", float("nan"), "inf", True, [2]], ids=repr)
def test_a_scale_that_is_no_number_is_not_told(tmp_path: Path, way, word: str, value: Any) -> None:
    item = told(
        tmp_path, "a", {"B04": heights("uint8")}, unit="m", data_type="uint8", nodata=False,
        **{word: value},
    )  # fmt: skip
    np.testing.assert_array_equal(cubes.load([item], **way)["B04"][0], heights("uint8"))


@pytest.mark.parametrize("method", ["cubic", "lanczos", "bilinear", "average"])
def test_nan_is_missing_when_it_is_resampled_whether_or_not_somebody_says_so(
    tmp_path: Path, way, method: str
) -> None:
    values = np.full((40, 40), 0.5, "float32")
    values[:, 20:] = np.nan
    silent, said = (
        told(tmp_path, name, {"B04": values}, unit="1", **words)
        for name, words in (("silent", {}), ("said", {"nodata": "nan"}))
    )
    for grid in ({"resolution": 20}, {"crs": "EPSG:32632", "resolution": 10}):
        one, other = (
            cubes.load([item], resampling=method, **grid, **way)["B04"].values
            for item in (silent, said)
        )
        np.testing.assert_array_equal(one, other)
        np.testing.assert_allclose(one[np.isfinite(one)], 0.5, rtol=1e-4)
