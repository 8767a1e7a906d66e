"""Bad input and bad days: what the user reads, and that nothing is left half-done."""

from __future__ import annotations

import errno
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.forgetting import forget_servers

from geodes_datalab import config, cubes, errors, stac
from geodes_datalab.cubes.archive.trouble import Unsuited
from geodes_datalab.cubes.read import pixels as reading

pytest_plugins = ["geodes_datalab.testing.fixtures"]

PATAGONIA = (-67.66, -47.86, -67.63, -47.85)


def search(collection: str = "PEPS_S2_L1C", **options):
    return stac.search(collection, **{"bbox": PATAGONIA, "datetime": "2021-11/2022-01", **options})


def text_of(error: pytest.ExceptionInfo) -> str:
    return str(error.value)


def test_unknown_band(portal) -> None:
    with pytest.raises(errors.UnknownBand) as error:
        cubes.load(search(), ["B04", "redd"])
    assert text_of(error).startswith('PEPS_S2_L1C has no band "redd"')
    assert 'did you mean "red"' in text_of(error)


def test_a_band_that_no_archive_holds(portal) -> None:
    with pytest.raises(errors.UnknownBand) as error:
        cubes.load(search(), ["B04", "B09"])
    assert re.match(r"none of the 3 products holds B09: S2A_MSIL1C", text_of(error))
    assert "they hold: B04" in text_of(error)


def test_mixed_zones(portal) -> None:
    items = search(datetime="2022-04/2022-05", bbox=(-70, -50, -64, -45))
    with pytest.raises(errors.CubeError) as error:
        cubes.load(items, "red")
    assert "the products lie in 2 coordinate systems: EPSG:32719" in text_of(error)
    assert 'give crs="EPSG:32' in text_of(error)
    cube = cubes.load(items, "red", crs="EPSG:32719")
    assert cube.odc.crs.epsg == 32719
    assert cube.sizes["time"] == 2


def test_products_on_tape(portal) -> None:
    items = search(datetime="2022-04/2022-06")
    with pytest.raises(errors.ProductOffline) as error:
        cubes.load(items, "red")
    assert re.match(r"1 of \d products lie on tape: S2", text_of(error))
    assert "leave them out" in text_of(error)


def test_empty_result(portal) -> None:
    with pytest.raises(errors.CubeError) as error:
        cubes.load(search(datetime="1999"), "red")
    assert text_of(error).startswith("there are no items to load")
    assert "widen the search" in text_of(error)


def test_swapped_bbox(portal) -> None:
    items = search()
    swapped = (PATAGONIA[1], PATAGONIA[0], PATAGONIA[3], PATAGONIA[2])
    with pytest.raises(errors.CubeError) as error:
        cubes.load(items, "red", bbox=swapped)
    assert "none of the products touches the area of interest" in text_of(error)
    assert "longitude and latitude look swapped" in text_of(error)


@pytest.mark.parametrize(
    ("bbox", "said"),
    [
        ((1, 44, 2, 43), "south (44) above north (43)"),
        ((600_000, 4_700_000, 600_100, 4_700_100), "reaches beyond the Earth"),
        ((1, 2, 3), "is not four numbers"),
        ((1, float("nan"), 3, 4), "not finite"),
    ],
)
def test_a_bbox_that_is_none(portal, bbox, said: str) -> None:
    with pytest.raises(errors.CubeError, match=re.escape(said)) as error:
        cubes.load(search(), "red", bbox=bbox)
    assert "west, south, east, north" in text_of(error)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"crs": "EPSG:99999"}, "unknown coordinate reference system"),
        ({"crs": "EPSG:4326"}, "give it, for example resolution=9e-05"),
        ({"resolution": -10}, "resolution must be a positive number"),
        ({"resampling": "bilinar"}, 'did you mean "bilinear"?'),
        ({"groupby": "day"}, 'use "solar_day", "time" or "id"'),
        ({"engine": "odc-stac"}, "use one of: odc, stackstac"),
        ({"chunks": {"z": 3}}, "cannot be used"),
        ({"archives": "/no/such/folder"}, "is no folder"),
        ({"geometry": {"type": "Polygon", "coordinates": []}}, "the geometry is empty"),
        ({"geometry": 3}, "the geometry is of a kind that is not understood: int"),
        ({"geometry": {}, "bbox": PATAGONIA}, "both bbox and geometry were given"),
    ],
)  # fmt: skip
def test_arguments_that_mean_nothing(portal, arguments, said: str) -> None:
    with pytest.raises(errors.CubeError, match=re.escape(said)):
        cubes.load(search(), "red", **arguments)


def test_radar_geometry_is_refused(portal) -> None:
    items = stac.search("PEPS_S1_L1")
    with pytest.raises(errors.CubeError, match="is in radar geometry, not on a map"):
        cubes.load(items)


@pytest.mark.parametrize(
    ("collection", "kind", "said", "advice"),
    [
        ("PEPS_S1_L1", "GRD", "ground range detected", "THEIA_S1TILING_SENTINEL1_L1"),
        ("PEPS_S1_L1", "SLC", "single look complex", "sarsen"),
        ("PEPS_S1_L2", "OCN", "ocean products", "xarray.open_dataset"),
        ("peps-s1-l2", "OCN", "along the satellite's path", "geodes_datalab.download()"),
    ],
)
def test_what_is_no_cube_says_what_it_is(
    portal, collection: str, kind: str, said: str, advice: str
) -> None:
    item = dict(stac.search("PEPS_S1_L1").dicts[0])
    item |= {"collection": collection, "properties": item["properties"] | {"product:type": kind}}
    with pytest.raises(errors.CubeError, match="not on a map") as error:
        cubes.load([item], "VV")
    assert said in text_of(error)
    assert advice in text_of(error)
    others = {"GRD": "complex", "SLC": "detected", "OCN": "amplitude"}
    assert others[kind] not in text_of(error).partition("What to do")[0]


def test_several_collections(portal) -> None:
    items = search() + search("THEIA_REFLECTANCE_SENTINEL2_L2A")
    with pytest.raises(errors.CubeError, match="the items come from 2 collections"):
        cubes.load(items, "red")


@pytest.mark.parametrize("answer", ["redirect", "401", "403"])
def test_wrong_key(portal, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    items = search()
    portal.settings.bad_key = answer
    monkeypatch.setenv("GEODES_API_KEY", "wrong-key")
    with pytest.raises(errors.AuthenticationError) as error:
        cubes.load(items, "red")
    assert "the API key was refused" in text_of(error)
    assert "geodes_datalab.login()" in text_of(error)
    assert "wrong-key" not in text_of(error)


def unsuited(*_: object) -> None:
    raise Unsuited("as if it were of a kind that only GDAL reads")


def test_a_key_that_goes_wrong_later_and_right_again(
    portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody remembers a refusal, GDAL not either."""
    cube = cubes.load(search(), "red")
    right = portal.api_key
    portal.settings.bad_key = "403"
    monkeypatch.setenv("GEODES_API_KEY", "wrong-key")
    with pytest.raises(errors.AuthenticationError, match="the API key was refused"):
        cube["red"].isel(time=0).compute()
    monkeypatch.setattr(reading, "_by_ranges", unsuited)  # let GDAL read
    with pytest.raises(errors.AuthenticationError, match="the API key was refused"):
        cube["red"].isel(time=0).compute()
    monkeypatch.setenv("GEODES_API_KEY", right)
    assert cube["red"].isel(time=0).max().compute() > 0


def test_no_key(portal, monkeypatch: pytest.MonkeyPatch) -> None:
    items = search()
    portal.settings.bad_key = "401"
    monkeypatch.delenv("GEODES_API_KEY")
    with pytest.raises(errors.AuthenticationError, match="this needs an API key"):
        cubes.load(items, "red")


def test_quota_used_up(portal) -> None:
    items = search()
    portal.set_quota(0)
    with pytest.raises(errors.QuotaError, match="quota of this account is used up"):
        cubes.load(items, "red")


@pytest.mark.parametrize("ranges", ["off", "error"])
def test_a_server_without_ranges(portal, ranges: str) -> None:
    items = search(datetime="2021-11")
    expected = cubes.load(items, "red").compute()
    forget_servers()
    _empty_cache()
    portal.settings.ranges = ranges
    with pytest.warns(errors.ServerQuirk, match="the server cannot send parts of an archive"):
        cube = cubes.load(items, "red")
    np.testing.assert_array_equal(cube["red"].values, expected["red"].values)
    before = len(portal.requests.to("/download"))
    again = cubes.load(items, "red")  # the second time nothing is fetched, and there is no warning
    np.testing.assert_array_equal(again["red"].values, expected["red"].values)
    assert len(portal.requests.to("/download")) == before


def _empty_cache() -> None:
    shutil.rmtree(config.load().cache_dir, ignore_errors=True)


def test_a_full_disk_in_the_fallback(portal, monkeypatch: pytest.MonkeyPatch) -> None:
    items = search(datetime="2021-11")
    portal.settings.ranges = "off"
    real_open = Path.open

    class Full:
        def __init__(self, stream) -> None:
            self._stream = stream

        def __enter__(self):
            return self

        def __exit__(self, *exc) -> None:
            self._stream.close()

        def fileno(self) -> int:
            return self._stream.fileno()

        def write(self, chunk: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    def full(self, mode="r", *args, **kwargs):
        stream = real_open(self, mode, *args, **kwargs)
        return (
            Full(stream) if self.suffix == ".part" and "b" in mode and "r" not in mode else stream
        )

    monkeypatch.setattr(Path, "open", full)
    with (
        pytest.raises(errors.StorageError) as error,
        pytest.warns(errors.ServerQuirk),
    ):
        cubes.load(items, "red")
    assert "is full" in text_of(error)
    assert "free some space" in text_of(error)
    cache = Path(config.load().cache_dir)
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_a_product_that_breaks_off_while_it_is_read(portal) -> None:
    cube = cubes.load(search(), "red")
    portal.faults.fail("download", status=500, times=1000)
    with pytest.raises(errors.ServiceError):
        cube["red"].isel(time=0).compute()
    portal.faults.clear()
    assert cube["red"].isel(time=0).max().compute() > 0


def test_a_damaged_file_names_band_and_product(shelf) -> None:
    item = shelf.item("a")
    cube = cubes.load([item], "B04", chunks=128, raw=True)
    path = Path(item["assets"]["B04"]["href"])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + b"\0" * (len(whole) - len(whole) // 2))
    with pytest.raises(errors.ReadError) as error:
        cube["B04"].compute()
    assert text_of(error).startswith("band B04 of a could not be read: ")
    path.unlink()
    with pytest.raises(errors.ReadError, match="band B04 of a could not be read"):
        cube["B04"].compute()
