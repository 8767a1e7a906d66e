"""Images that are a file on a server by themselves: read by ranges of our own where that is less work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from products import PLACE, plain

from geodes_datalab import cubes, errors
from geodes_datalab.cubes.archive import alone
from geodes_datalab.cubes.archive.accounting import counted
from geodes_datalab.cubes.read import pixels as reading

SIDE = 600
COG = {"driver": "COG", "blocksize": 128, "compress": "deflate", "predictor": 2}
AREA = (4.2700, 43.770, 4.2750, 43.773)


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODES_DIALECT", "stac")
    monkeypatch.setenv("GEODES_BACKOFF", "0.01")
    monkeypatch.setenv("GEODES_RETRIES", "1")


def written(path: Path, seed: int = 0, **options: Any) -> np.ndarray:
    chance = np.random.default_rng(seed)
    slopes = np.add.outer(np.arange(SIDE) * 5, np.arange(SIDE) * 4)
    pixels = (slopes + chance.integers(1, 400, slopes.shape)).astype("uint16")
    with rasterio.open(
        path, "w", width=SIDE, height=SIDE, count=1, dtype="uint16", crs="EPSG:32631", transform=PLACE,
        nodata=0, **(options or COG),
    ) as file:  # fmt: skip
        file.write(pixels, 1)
    return pixels


def item(href: str, size: int | None) -> dict[str, Any]:
    told = {"raster:scale": 1e-4} | ({"file:size": size} if size else {})
    return plain({"B04": href}, (SIDE, SIDE), data_type="uint16", nodata=0, **told)


@pytest.mark.parametrize("told", [True, False], ids=["size told", "size not told"])
def test_a_cog_is_read_by_few_ranges(site, tmp_path: Path, *, told: bool) -> None:
    pixels = written(tmp_path / "a.tif")
    data = (tmp_path / "a.tif").read_bytes()
    server = site({"a.tif": data})
    one = item(f"{server.url}/a.tif", len(data) if told else None)
    with counted() as tally:
        cube = cubes.load([one], bbox=AREA, chunks=SIDE, raw=True).compute()["B04"][0]
    with rasterio.open(tmp_path / "a.tif") as file:
        top, left = file.index(cube.x.values[0], cube.y.values[0])
    high, wide = cube.shape
    np.testing.assert_array_equal(cube.values, pixels[top : top + high, left : left + wide])
    assert 2 <= tally.requests <= 4
    assert tally.received < len(data) / 2
    assert len(server.seen) == tally.requests + (0 if told else 1)


def test_overviews_are_those_of_gdal(site, tmp_path: Path) -> None:
    written(tmp_path / "a.tif")
    data = (tmp_path / "a.tif").read_bytes()
    server = site({"a.tif": data})
    with counted() as tally:
        cube = cubes.load(
            [item(f"{server.url}/a.tif", len(data))], resolution=40, threads=2, raw=True
        )
    with rasterio.open(tmp_path / "a.tif", overview_level=1) as file:
        np.testing.assert_array_equal(cube["B04"].values[0], file.read(1))
    assert tally.requests


@pytest.mark.parametrize("options", [{"compress": "zstd"}, {"compress": "lzw"}, {"compress": "deflate", "endianness": "big"}])  # fmt: skip
def test_what_is_packed_otherwise_is_left_to_gdal_and_looked_at_once(
    site, tmp_path: Path, options: dict[str, str]
) -> None:
    pixels = written(tmp_path / "a.tif", driver="GTiff", tiled=True, **options)
    data = (tmp_path / "a.tif").read_bytes()
    server = site({"a.tif": data})
    with counted() as tally:
        cube = cubes.load([item(f"{server.url}/a.tif", len(data))], chunks=200, raw=True).compute()
    np.testing.assert_array_equal(cube["B04"].values[0], pixels)
    assert list(alone._headers.values()) == [alone._LEFT]
    assert tally.requests == len(server.seen)  # nobody else asked: GDAL did not


def test_the_key_is_sent_and_the_redirect_followed(
    site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = written(tmp_path / "a.tif")
    data = (tmp_path / "a.tif").read_bytes()
    store = site({"a.tif": data})
    portal = site({"a.tif": data}, key="s3cret", to=store)
    monkeypatch.setenv("GEODES_PORTAL", portal.url)
    monkeypatch.setenv("GEODES_API_KEY", "s3cret")
    cube = cubes.load([item(f"{portal.url}/a.tif", len(data))], threads=2, raw=True)
    np.testing.assert_array_equal(cube["B04"].values[0], pixels)
    assert {one["key"] for one in portal.seen} == {"s3cret"}
    assert {one["key"] for one in store.seen} == {None}
    assert len(portal.seen) == 2  # once by the short way, which does not follow: then it is known
    assert len(store.seen) == 2


def test_a_file_that_changes_is_read_anew(site, tmp_path: Path) -> None:
    for name, seed in (("a.tif", 0), ("b.tif", 1)):
        pixels = written(tmp_path / name, seed)
    server = site({"a.tif": (tmp_path / "a.tif").read_bytes()})
    one = item(f"{server.url}/a.tif", None)
    cubes.load([one], threads=1, raw=True)
    server.files["a.tif"] = (tmp_path / "b.tif").read_bytes()
    again = cubes.load([one], threads=1, raw=True)
    np.testing.assert_array_equal(again["B04"].values[0], pixels)


def test_a_file_that_is_not_what_the_catalogue_tells_is_warped(site, tmp_path: Path) -> None:
    pixels = written(tmp_path / "a.tif")
    data = (tmp_path / "a.tif").read_bytes()
    server = site({"a.tif": data})
    one = item(f"{server.url}/a.tif", len(data))
    one["properties"]["proj:transform"][2] += 40  # four pixels to the east
    cube = cubes.load([one], threads=1, raw=True)["B04"].values[0]
    np.testing.assert_array_equal(cube[:, :-4], pixels[:, 4:])


def test_each_header_is_looked_at_once(
    site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    opened = reading.rasterio.open

    def counting(path: str, *rest: Any, **options: Any) -> Any:
        looks.append(path)
        return opened(path, *rest, **options)

    for name in "ab":
        written(tmp_path / f"{name}.tif", ord(name))
    files = {f"{name}.tif": (tmp_path / f"{name}.tif").read_bytes() for name in "ab"}
    server = site(files)
    items = [item(f"{server.url}/{name}", len(data)) for name, data in files.items()]
    items[1]["id"], items[1]["properties"]["datetime"] = "two", "2024-03-06T10:50:31Z"
    reading._told.clear()
    monkeypatch.setattr(reading.rasterio, "open", counting)
    cubes.load(items, chunks=200, threads=2, raw=True)
    assert len([one for one in looks if re.match("/vsimem/", one)]) <= 2  # of 18 blocks


def test_a_lost_file_is_told(site, tmp_path: Path) -> None:
    server = site({})
    with pytest.raises(errors.GeodesError, match="404"):
        cubes.load([item(f"{server.url}/a.tif", 1000)], threads=1, raw=True)
