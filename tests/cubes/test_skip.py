"""One product on tape, or one broken file, does not stop a whole cube, if the user says so."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import distributed
import numpy as np
import pytest
import rasterio
from support.dask_workers import workers
from support.waiting import eventually, minutes
from telling import told

from geodes_datalab import cubes, errors, stac
from geodes_datalab.cubes import skipping
from geodes_datalab.cubes.read.pixels import Source

SHAPE = (300, 260)
WAYS: dict[str, dict[str, Any]] = {
    "table": {},
    "warped": {"crs": "EPSG:4326", "resolution": 1e-4},
    "stackstac": {"engine": "stackstac"},
    "at once": {"threads": 4},
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> dict[str, Any]:
    return WAYS[request.param]


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start each test with nothing told in this process."""
    monkeypatch.setattr(skipping, "_told", set())


def numbers(seed: int, dtype: str = "uint16") -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 9_000, SHAPE).astype(dtype)


def series(
    folder: Path, count: int = 3, dtype: str = "uint16", *, name: str = "P", **words: Any
) -> list[dict[str, Any]]:
    """Products of one band and of one date each."""
    facts = {"raster:scale": 0.0001, "raster:offset": 0.0, **words}
    return [
        told(
            folder, f"{name}{day}", {"red": numbers(day, dtype)}, day=day, data_type=dtype, **facts
        )
        for day in range(1, count + 1)
    ]


def path(item: dict[str, Any]) -> Path:
    return Path(item["assets"]["red"]["href"])


def missing(item: dict[str, Any]) -> None:
    path(item).unlink()


def garbage(item: dict[str, Any]) -> None:
    path(item).write_bytes(b"<html>The service is under maintenance</html>" * 50)


def cut(item: dict[str, Any]) -> None:
    """Lose the second half of a file's pixels: its header is as it was."""
    with rasterio.open(path(item)) as file:
        pixels, profile = file.read(1), file.profile
    profile |= {"driver": "COG", "compress": "deflate", "blocksize": 128, "overviews": "none"}
    profile = {
        key: one
        for key, one in profile.items()
        if key not in ("blockxsize", "blockysize", "tiled", "interleave")
    }
    with rasterio.open(path(item), "w", **profile) as file:
        file.write(pixels, 1)
    whole = path(item).read_bytes()
    path(item).write_bytes(whole[: len(whole) // 2])


def skips(caught: Any) -> list[str]:
    return [str(one.message) for one in caught if one.category is errors.SkippedData]


@pytest.mark.parametrize("harm", [missing, garbage, cut])
def test_a_broken_file_is_an_error_that_tells_of_the_argument(tmp_path: Path, way, harm) -> None:
    items = series(tmp_path)
    harm(items[1])
    with pytest.raises(errors.DataError, match="P2") as caught:
        cubes.load(items, **way).compute()
    assert 'load(..., on_error="skip")' in str(caught.value)


@pytest.mark.parametrize("harm", [missing, garbage])
def test_broken_files_are_missing_and_named_once(tmp_path: Path, way, harm) -> None:
    items = series(tmp_path, 4)
    whole = cubes.load(items, **way)["red"].compute()
    harm(items[1])
    harm(items[3])
    with pytest.warns(errors.SkippedData) as caught:
        cube = cubes.load(items, on_error="skip", **way)
    (text,) = skips(caught)
    assert "band red of P2" in text
    assert "band red of P4" in text
    assert "P1" not in text
    with warnings.catch_warnings():
        warnings.simplefilter("error", errors.SkippedData)
        found = cube["red"].compute()
    assert found.shape == whole.shape
    assert np.isnan(found[[1, 3]]).all()
    np.testing.assert_array_equal(found[[0, 2]], whole[[0, 2]])
    assert caught[0].filename == __file__


def test_what_is_damaged_further_inside_is_told_when_it_is_read(tmp_path: Path, way) -> None:
    items = series(tmp_path)
    cut(items[1])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = cubes.load(items, on_error="skip", chunks=100, **way)["red"].compute()
    (text,) = skips(caught)
    assert "band red of P2" in text
    assert np.isnan(found[1]).any()
    others = [numbers(1), numbers(3)]
    if "crs" not in way:
        np.testing.assert_allclose(found[[0, 2]], np.stack(others) * 0.0001, rtol=1e-5)


@pytest.mark.parametrize(("dtype", "nodata"), [("uint8", None), ("int16", None), ("uint16", 0)])
def test_stored_numbers_say_what_is_missing_and_keep_their_values(
    tmp_path: Path, dtype: str, nodata: float | None
) -> None:
    words = {} if nodata is None else {"nodata": nodata}
    items = series(tmp_path, dtype=dtype, **words)
    missing(items[1])
    with pytest.warns(errors.SkippedData):
        red = cubes.load(items, raw=True, on_error="skip")["red"]
    pixels = red.compute()
    assert (pixels[1] == red.attrs["nodata"]).all()
    np.testing.assert_array_equal(pixels[0], numbers(1, dtype))
    np.testing.assert_array_equal(pixels[2], numbers(3, dtype))
    if nodata is None:
        assert not (pixels[[0, 2]] == red.attrs["nodata"]).any()


def lose(name: str, *, after: Callable[[], object] = lambda: None) -> None:
    """Fail to read a file that may be missing, after something else."""

    def read() -> None:
        after()
        raise errors.ReadError("it is broken")

    skipping.minded(Source("P", name, "x.tif", care="skip"), read, "uint16")


def test_what_is_left_out_is_told_though_another_thread_hides_all_warnings() -> None:
    """As rasterio does in each thread that warps, for a moment; filters are the process's."""
    begun, hidden = threading.Event(), threading.Event()
    reader = threading.Thread(
        target=lose, args=("red",), kwargs={"after": lambda: begun.set() or hidden.wait(minutes(1))}
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        reader.start()
        assert begun.wait(minutes(1))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            hidden.set()
            reader.join()
        assert len(skips(caught)) == 1


def test_warnings_that_the_user_hides_or_makes_errors_are_so() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        lose("red")
        warnings.simplefilter("always")
        lose("nir")
        warnings.filterwarnings("ignore", "left out.*band swir")
        lose("swir")
        warnings.simplefilter("ignore", errors.ValuesInDoubt)
        for name in ("green", "blue", "green"):
            lose(name)
        warnings.simplefilter("error", errors.SkippedData)
        with pytest.raises(errors.SkippedData, match="pan"):
            lose("pan")
    assert [text.split(" of P")[0].split()[-1] for text in skips(caught)] == [
        "nir",
        "green",
        "blue",
    ]


def test_filters_that_threads_put_back_in_the_wrong_order_do_not_stay() -> None:
    first, second = warnings.catch_warnings(), warnings.catch_warnings()

    def hide() -> None:  # what two threads do that warp at once
        first.__enter__()
        warnings.simplefilter("ignore")
        second.__enter__()
        warnings.simplefilter("ignore")
        first.__exit__(None, None, None)
        second.__exit__(None, None, None)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        before = list(warnings.filters)
        lose("red", after=hide)
        assert warnings.filters == before
        warnings.warn("heard", UserWarning, stacklevel=1)
    assert [str(one.message) for one in caught][1:] == ["heard"]


def test_of_several_bands_the_others_stay(tmp_path: Path) -> None:
    items = [
        told(
            tmp_path, f"P{day}", {"red": numbers(day), "nir": numbers(10 + day)}, day=day,
            data_type="uint16", **{"raster:scale": 0.0001, "raster:offset": 0.0},
        )
        for day in (1, 2)
    ]  # fmt: skip
    missing(items[1])
    with pytest.warns(errors.SkippedData, match="band red of P2"):
        cube = cubes.load(items, on_error="skip").compute()
    assert np.isnan(cube["red"][1]).all()
    np.testing.assert_allclose(cube["nir"][1], numbers(12) * 0.0001, rtol=1e-5)


def test_in_a_mosaic_another_product_takes_its_place(tmp_path: Path) -> None:
    facts = {"raster:scale": 1.0, "raster:offset": 0.0, "data_type": "uint16"}
    items = [
        told(tmp_path, f"P{second}", {"red": numbers(second)}, second=second, **facts)
        for second in (1, 2)
    ]
    missing(items[0])
    with pytest.warns(errors.SkippedData, match="P1"):
        cube = cubes.load(items, on_error="skip").compute()
    np.testing.assert_array_equal(cube["red"][0], numbers(2))


def test_a_product_whose_place_nobody_tells_gives_no_time_step(tmp_path: Path) -> None:
    items = series(tmp_path)
    for item in items:
        item["properties"] = {"datetime": item["properties"]["datetime"]}
    garbage(items[0])
    with pytest.warns(errors.SkippedData, match="P1"):
        cube = cubes.load(items, on_error="skip").compute()
    assert cube.sizes["time"] == 2
    np.testing.assert_allclose(cube["red"][0], numbers(2) * 0.0001, rtol=1e-5)


@pytest.mark.parametrize("stored", [True, False])
def test_nothing_at_all_is_an_error(tmp_path: Path, stored: bool) -> None:
    items = series(tmp_path)
    for item in items:
        missing(item)
    with pytest.raises(errors.ReadError, match="P1"):
        cubes.load(items, raw=stored, on_error="skip")


@pytest.mark.parametrize("kind", [errors.AuthenticationError, errors.QuotaError])
def test_what_concerns_the_account_is_an_error_always(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[errors.GeodesError]
) -> None:
    def refuse(*_: Any) -> None:
        raise kind("the key is refused")

    items = series(tmp_path)
    monkeypatch.setattr("geodes_datalab.cubes.plan.readable.read_header", refuse)
    with pytest.raises(kind):
        cubes.load(items, on_error="skip")
    file = Source("P", "B04", "x.tif", care="skip")
    with pytest.raises(kind):
        skipping.minded(file, refuse, "uint16")


@pytest.mark.parametrize("told_grid", [True, False])
def test_what_another_server_refuses_is_that_file_only(
    tmp_path: Path, site, told_grid: bool
) -> None:
    """Object stores answer 403 for files that are not there. No key of ours goes to them."""
    items = series(tmp_path)
    files = {f"P{day}.tif": path(item).read_bytes() for day, item in enumerate(items, start=1)}
    open_to_all, closed = site(files), site({}, key="another")
    for day, item in enumerate(items, start=1):
        server = closed if day == 1 else open_to_all
        item["assets"]["red"]["href"] = f"{server.url}/P{day}.tif"
        if not told_grid:
            item["properties"] = {"datetime": item["properties"]["datetime"]}
    with pytest.raises(
        errors.RequestError, match=r"no access: 127\.0\.0\.1 answered 403"
    ) as caught:
        cubes.load(items).compute()
    assert "the key of GEODES is for its portal only" in str(caught.value)
    with pytest.warns(errors.SkippedData, match="P1"):
        cube = cubes.load(items, on_error="skip").compute()
    np.testing.assert_allclose(cube["red"][-1], numbers(3) * 0.0001, rtol=1e-5)


@pytest.mark.parametrize("name", ["offline", "on_error"])
def test_a_mistyped_choice_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(errors.CubeError, match="skipp") as caught:
        cubes.load(series(tmp_path, 1), **{name: "skipp"})
    assert 'did you mean "skip"?' in str(caught.value)


@pytest.fixture(scope="module")
def cluster() -> Iterator[distributed.Client]:
    with workers(1, threads=1) as client:
        yield client


@pytest.mark.parametrize("name", ["table", "warped"])
def test_workers_of_a_cluster_leave_files_out_too(cluster, tmp_path: Path, name: str) -> None:
    items = series(tmp_path, name=name)
    missing(items[0])
    with cluster.as_current(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cube = cubes.load(items, on_error="skip", **WAYS[name])
        assert f"{name}1" in skips(caught)[0]
        missing(items[1])  # after the look at its header
        found = cube["red"].compute()
        assert np.isnan(found[[0, 1]]).all()
        assert np.isfinite(found[2]).any()
        eventually(lambda: len(skips(caught)) == 2, "the worker's warning comes")
    assert f"band red of {name}2" in skips(caught)[1]


def test_products_on_tape_are_left_out_if_asked(portal) -> None:
    items = stac.search(
        "PEPS_S2_L1C", bbox=(-67.66, -47.86, -67.63, -47.85), datetime="2022-04/2022-06"
    )
    online = stac.availability(items)
    (tape,) = [name for name, there in online.items() if not there]
    title = next(one for one in items.dicts if one["id"] == tape)["properties"]["identifier"]
    with pytest.raises(errors.ProductOffline) as error:
        cubes.load(items, "red")
    assert 'load(..., offline="skip")' in str(error.value)
    with pytest.warns(errors.SkippedData) as caught:
        cube = cubes.load(items, "red", crs="EPSG:32719", offline="skip")
    (text,) = skips(caught)
    assert title in text
    assert "it lies on tape" in text
    rest = cubes.load(items.filter(lambda one: one["id"] != tape), "red", crs="EPSG:32719")
    assert cube.sizes == rest.sizes
    np.testing.assert_array_equal(cube["time"], rest["time"])
    only = items.filter(lambda one: one["id"] == tape)
    with pytest.raises(errors.ProductOffline, match="1 of 1"):
        cubes.load(only, "red", offline="skip")


def test_a_broken_archive_is_missing_and_named(portal, tmp_path: Path) -> None:
    items = stac.search(
        "PEPS_S2_L1C", bbox=(-67.66, -47.86, -67.63, -47.85), datetime="2021-11/2022-01"
    )
    stac.download(items, tmp_path)
    whole = cubes.load(items, ["red", "nir"], archives=tmp_path).compute()
    broken = min(tmp_path.glob("*.zip"))
    size = broken.stat().st_size
    broken.write_bytes(b"\0" * size)
    with pytest.raises(errors.DataError) as error:
        cubes.load(items, ["red", "nir"], archives=tmp_path)
    assert 'load(..., on_error="skip")' in str(error.value)
    with pytest.warns(errors.SkippedData) as caught:
        cube = cubes.load(items, ["red", "nir"], archives=tmp_path, on_error="skip").compute()
    (text,) = skips(caught)
    assert text.count("S2") == text.count(broken.stem) >= 1
    assert cube.sizes == whole.sizes
    gone = np.isnan(cube["red"]).all(("y", "x"))
    assert int(gone.sum()) == 1
    for band in ("red", "nir"):
        np.testing.assert_array_equal(cube[band][~gone], whole[band][~gone])
        assert np.isnan(cube[band][gone]).all()
