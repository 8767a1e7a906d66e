"""Through the whole of `load`: damaged georeferences, lying servers, NetCDF, and the key's secrecy."""

from __future__ import annotations

import contextlib
import io
import logging
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from products import PLACE, zipped
from rasterio.io import MemoryFile
from rasterio.shutil import copy
from rasterio.transform import Affine

from geodes_datalab import cubes, errors
from geodes_datalab.cubes.archive import archives
from geodes_datalab.cubes.archive.accounting import counted
from geodes_datalab.cubes.read import pixels as reading

WIDTH, HEIGHT = 300, 260
SHAPE = HEIGHT, WIDTH
MEMBER = "P.SAFE/IMG_DATA/T31TEJ_B04.jp2"
KEY = "k3y-that-nobody-may-see"


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in (("DIALECT", "stac"), ("BACKOFF", "0.01"), ("RETRIES", "1")):
        monkeypatch.setenv(f"GEODES_{name}", value)
    monkeypatch.setenv("GEODES_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    slopes = np.add.outer(np.arange(HEIGHT) * 7, np.arange(WIDTH) * 3)
    return (slopes + np.random.default_rng(0).integers(1, 300, slopes.shape)).astype("uint16")


def product(pixels: np.ndarray, **options: object) -> bytes:
    stream = io.BytesIO()
    told = {
        "crs": "EPSG:32631",
        "transform": PLACE,
        "tiled": True,
        "blockxsize": 64,
        "blockysize": 64,
    }
    with MemoryFile(ext=".tif") as memory, zipfile.ZipFile(stream, "w") as archive:
        with memory.open(
            driver="GTiff", width=WIDTH, height=HEIGHT, count=1, dtype="uint16", **(told | options)
        ) as target:
            target.write(pixels, 1)
        archive.writestr(MEMBER, bytes(memory.getbuffer()))
    return stream.getvalue()


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("resolution", [10, 20])
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"crs": None}, "no georeference"),
        ({"transform": Affine(10, 0, 6_000, 0, -10, 4_850_020)}, "does not lie where"),
        ({"transform": Affine(1e-300, 0, 600_000, 0, -10, 4_850_020)}, "georeference|lie where"),
    ],
)
def test_a_damaged_georeference_is_no_empty_cube(
    site, truth, options: dict, says: str, resolution: int
) -> None:
    data = product(truth, **options)
    portal = site({"P.zip": data})
    cube = cubes.load(
        [zipped(f"{portal.url}/P.zip", len(data), SHAPE)], "B04", resolution=resolution, raw=True
    )
    with pytest.raises(errors.ArchiveError, match=says) as caught:
        cube["B04"].compute()
    assert caught.value.hint


def short(begin, end, data):
    return 206, {"Content-Range": f"bytes {begin}-{end - 1}/{len(data)}"}, data[begin : end - 1]


def elsewhere(begin, end, data):
    return 206, {"Content-Range": f"bytes {begin + 1}-{end}/{len(data)}"}, data[begin + 1 : end + 1]


def garbage(begin, end, data):
    return 200, {}, b"<html>maintenance</html>" * 99


def zeros(begin, end, data):
    return 206, {"Content-Range": f"bytes {begin}-{end - 1}/{len(data)}"}, bytes(end - begin)


def longer(begin, end, data):
    return 206, {"Content-Range": f"bytes {begin}-{end - 1}/{len(data) * 2}"}, data[begin:end]


@pytest.mark.filterwarnings("ignore::geodes_datalab.errors.ServerQuirk")
@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("fault", [short, elsewhere, garbage, longer])
def test_a_server_that_begins_to_lie(depot, truth, fault: Callable, after: int) -> None:
    """At the directory, at the header, at the pixels: the right ones, or an error of ours."""
    data, asked = product(truth), []

    def lie(begin, end, data):
        asked.append(begin)
        honest = 206, {"Content-Range": f"bytes {begin}-{end - 1}/{len(data)}"}, data[begin:end]
        return fault(begin, end, data) if len(asked) > after else honest

    depot.fault = lie
    one = zipped(depot.put("P.zip", data), len(data), SHAPE)
    with contextlib.suppress(errors.GeodesError):
        cube = cubes.load([one], "B04", raw=True).compute()
        np.testing.assert_array_equal(cube["B04"].values[0], truth)
    assert len(asked) > after


def test_zeros_in_the_place_of_a_directory_are_no_archive(depot, truth) -> None:
    data = product(truth)
    depot.fault = zeros
    with pytest.raises(errors.ArchiveError, match="no zip archive"):
        cubes.load([zipped(depot.put("P.zip", data), len(data), SHAPE)], "B04", raw=True)


@pytest.mark.parametrize("after", [1, 2])
def test_an_archive_that_changes_midway(depot, truth, after: int) -> None:
    """Pixels of one version, never of two."""
    old, new = product(truth), product(truth[::-1].copy())
    assert len(old) == len(new)
    asked = []

    def change(begin, end, data):
        asked.append(begin)
        told = new if len(asked) > after else old
        tag = {"ETag": '"2"' if told is new else '"1"'}
        return 206, tag | {"Content-Range": f"bytes {begin}-{end - 1}/{len(old)}"}, told[begin:end]

    depot.fault = change
    read = (
        cubes.load([zipped(depot.put("P.zip", old), len(old), SHAPE)], "B04", raw=True)
        .compute()["B04"]
        .values[0]
    )
    assert (read == truth).all() or (read == truth[::-1]).all()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("form", ["NC", "NC4C"])
def test_netcdf_in_an_archive(site, tmp_path: Path, truth, method: int, form: str) -> None:
    """Of any kind and packing: fetched once, checked, read from the cache."""
    with MemoryFile(ext=".tif") as memory:
        with memory.open(driver="GTiff", width=WIDTH, height=HEIGHT, count=1, dtype="int16",
                         crs="EPSG:32631", transform=PLACE) as target:  # fmt: skip
            target.write(truth.astype("int16"), 1)
        with memory.open() as written:
            copy(written, tmp_path / "a.nc", driver="netCDF", FORMAT=form)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.write(tmp_path / "a.nc", "P/height.nc")
        archive.writestr("P/other.bin", bytes(50_000))
    portal = site({"P.zip": stream.getvalue()})
    path = f"/vsizip/{{/vsicurl/{portal.url}/P.zip}}/P/height.nc"
    source = reading.Source("P", "height", path, len(stream.getvalue()))

    def read(inside: str) -> np.ndarray:
        assert "cache" in inside
        with rasterio.open(inside) as file:
            assert file.crs.to_epsg() == 32631
            return file.read(1)

    for requests in (range(1, 9), range(2)):  # of what is stored, the first bytes tell its kind
        with counted() as tally:
            found = reading._guarded(source, read, lambda _: None)
        np.testing.assert_array_equal(found, truth.astype("int16"))
        assert tally.requests in requests
    assert len(list((tmp_path / "cache" / "members").iterdir())) == 1


def test_the_key_is_told_to_nobody(
    site, truth, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Not in logs at DEBUG, not in graphs, reprs, exceptions, nor in the cache."""
    data = product(truth)
    portal = site({"P.zip": data}, key=KEY)
    monkeypatch.setenv("GEODES_PORTAL", portal.url)
    monkeypatch.setenv("GEODES_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    cube = cubes.load([zipped(f"{portal.url}/P.zip", len(data), SHAPE)], "B04", raw=True)
    np.testing.assert_array_equal(cube["B04"].values[0], truth)
    told = [
        caplog.text,
        repr(cube),
        cube._repr_html_(),
        str(cube.attrs),
        repr(cube["B04"].data.dask),
    ]
    graph = pickle.dumps(dict(cube["B04"].data.__dask_graph__()))
    del portal.files["P.zip"]
    archives._known.clear()
    with pytest.raises(errors.GeodesError) as caught:
        cubes.load([zipped(f"{portal.url}/P.zip", len(data), SHAPE)], "B04", raw=True).compute()
    monkeypatch.setenv("GEODES_API_KEY", f"{KEY}-wrong")
    with pytest.raises(errors.GeodesError) as refused:
        cube["B04"].compute()
    for error in (caught.value, refused.value):
        chained = [error, error.__cause__, error.__context__]
        told += [repr(one) + str(one) for one in chained]
    told += [str(path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()]
    assert all(KEY not in text for text in [*told, caplog.text])
    assert KEY.encode() not in graph
    assert {request["key"] for request in portal.seen} == {KEY, f"{KEY}-wrong"}
    assert re.search("P.zip|portal|127.0.0.1", caplog.text), (
        "nothing was logged, so nothing was tried"
    )
