"""GDAL over the network: where the key goes, and the traps that would return zeros silently."""

from __future__ import annotations

import subprocess
import sys
import threading
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
from products import PLACE, zipped
from rasterio.errors import NotGeoreferencedWarning
from support.waiting import minutes

from geodes_datalab import cubes, errors
from geodes_datalab.cubes.archive.archives import members_of_url
from geodes_datalab.cubes.read import gdal
from geodes_datalab.cubes.read import pixels as reading

SIZE = 700
SHAPE = SIZE, SIZE


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEODES_BACKOFF", "0.01")
    monkeypatch.setenv("GEODES_RETRIES", "1")


@pytest.fixture(scope="module")
def safe(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, np.ndarray]:
    """A zip archive with a JPEG 2000 of 36 tiles, and its pixels."""
    folder = tmp_path_factory.mktemp("safe")
    pixels = np.random.default_rng(0).integers(1, 10_000, (SIZE, SIZE)).astype("uint16")
    with rasterio.open(
        folder / "B04.jp2", "w", driver="JP2OpenJPEG", width=SIZE, height=SIZE, count=1, dtype="uint16",
        crs="EPSG:32631", transform=PLACE, QUALITY=100, REVERSIBLE="YES", BLOCKXSIZE=128, BLOCKYSIZE=128,
    ) as file:  # fmt: skip
        file.write(pixels, 1)
    with zipfile.ZipFile(folder / "S2.zip", "w") as archive:
        archive.write(folder / "B04.jp2", "S2.SAFE/IMG_DATA/T31TEJ_B04.jp2")
    return (folder / "S2.zip").read_bytes(), pixels


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_a_jpeg_2000_of_many_tiles_behind_a_key(
    site, safe, monkeypatch: pytest.MonkeyPatch, scheduler: str
) -> None:
    """OpenJPEG's own threads would ask without the key, get nothing, and return zeros."""
    data, pixels = safe
    portal = site({"files/abc": data}, key="s3cret")
    monkeypatch.setenv("GEODES_PORTAL", portal.url)
    monkeypatch.setenv("GEODES_DIALECT", "stac")
    monkeypatch.setenv("GEODES_API_KEY", "s3cret")
    cube = cubes.load([zipped(f"{portal.url}/files/abc", len(data), SHAPE)], "B04", raw=True)
    read = cube["B04"].compute(scheduler=scheduler)
    np.testing.assert_array_equal(read.values[0], pixels)
    assert {request["key"] for request in portal.seen} == {"s3cret"}


def test_the_key_does_not_follow_a_redirect(site, safe, monkeypatch: pytest.MonkeyPatch) -> None:
    """GDAL alone would send it along; a portal may hand its files over to an object store."""
    data, pixels = safe
    store = site({"files/abc": data})
    portal = site({}, key="s3cret", to=store)
    monkeypatch.setenv("GEODES_PORTAL", portal.url)
    monkeypatch.setenv("GEODES_DIALECT", "stac")
    monkeypatch.setenv("GEODES_API_KEY", "s3cret")
    cube = cubes.load([zipped(f"{portal.url}/files/abc", len(data), SHAPE)], "B04", raw=True)
    np.testing.assert_array_equal(cube["B04"].values[0], pixels)
    assert {request["key"] for request in portal.seen} == {"s3cret"}
    assert store.seen
    assert {request["key"] for request in store.seen} == {None}


def test_a_signed_address_stands_in_no_message(
    site, safe, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    data, _ = safe
    files = {"files/abc": data}
    store = site(files)
    portal = site({}, key="s3cret", to=store)
    monkeypatch.setenv("GEODES_PORTAL", portal.url)
    monkeypatch.setenv("GEODES_DIALECT", "stac")
    monkeypatch.setenv("GEODES_API_KEY", "s3cret")
    cube = cubes.load([zipped(f"{portal.url}/files/abc", len(data), SHAPE)], "B04", raw=True)
    files["files/abc"] = b"\0" * len(data)
    with pytest.raises(errors.ArchiveError) as error:
        cube["B04"].compute()
    assert "band B04 of S2 could not be read" in str(error.value)
    assert "signature" not in repr(error.value) + str(error.value)
    assert error.value.__cause__ is None
    assert "signature" not in caplog.text


def test_the_key_goes_to_the_portal_only(site, safe, monkeypatch: pytest.MonkeyPatch) -> None:
    data, pixels = safe
    portal, elsewhere = site({}, key="s3cret"), site({"abc": data})
    monkeypatch.setenv("GEODES_PORTAL", portal.url)
    monkeypatch.setenv("GEODES_DIALECT", "stac")
    monkeypatch.setenv("GEODES_API_KEY", "s3cret")
    cube = cubes.load([zipped(f"{elsewhere.url}/abc", len(data), SHAPE)], "B04", raw=True)
    np.testing.assert_array_equal(cube["B04"].values[0], pixels)
    assert {request["key"] for request in elsewhere.seen} == {None}
    assert portal.seen == []


def test_options_never_reach_other_threads(shelf) -> None:
    """rasterio sets options for the whole process when it is called in the main thread."""
    path = shelf.item("a")["assets"]["B04"]["href"]
    inside, seen = threading.Event(), []

    def look() -> None:
        inside.wait(minutes(1))
        with rasterio.Env():
            seen.append(rasterio.env.get_gdal_config("GDAL_NUM_THREADS"))

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)

        def read(resolved: str) -> str:
            assert str(rasterio.env.get_gdal_config("GDAL_NUM_THREADS")) == "1"
            inside.set()
            looking.result()
            return resolved

        assert threading.current_thread() is threading.main_thread()
        assert reading._guarded(reading.Source("S2", "B04", path), read) == path
    assert seen == [None]


def test_the_users_own_gdal_options_stay_out_of_the_graph(shelf) -> None:
    import cloudpickle

    item = shelf.item("a")
    with rasterio.Env(GDAL_HTTP_HEADERS="Authorization: s3cret"):
        graphs = [
            cubes.load([item], engine=engine, raw=True).__dask_graph__()
            for engine in ("odc", "stackstac")
        ]
    assert not any(b"s3cret" in cloudpickle.dumps(graph) for graph in graphs)


def test_directories_are_read_once_and_kept(site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of an archive with more members than the first request brings."""
    import io

    from geodes_datalab import _http
    from geodes_datalab.cubes.archive import archives

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(2_000):
            archive.writestr(f"a-rather-long-folder-name/of-a-product/member-{number:06}", b"x")
    data = stream.getvalue()
    web = site({"big.zip": data})
    with _http.Client() as client:
        names = members_of_url(client, f"{web.url}/big.zip", len(data))
        assert len(names) == 2_000
        sent = len(web.seen)
        assert sent <= 3
        monkeypatch.setattr(archives, "_known", type(archives._known)())  # as in the next session
        assert members_of_url(client, f"{web.url}/big.zip", len(data)) == names
        assert len(web.seen) == sent


def test_what_is_no_archive_is_said_so(site) -> None:
    from geodes_datalab import _http

    web = site({"page.zip": b"<html>" * 1000})
    with _http.Client() as client, pytest.raises(errors.ArchiveError, match="it is no zip archive"):
        members_of_url(client, f"{web.url}/page.zip", 6000)


def test_loading_prints_no_warnings_of_third_parties(shelf, tmp_path: Path) -> None:
    """As a user sees it, in a script with all deprecations shown for their own code."""
    import json

    items = [shelf.item("a"), shelf.item("b", seed=1, origin=(600_500, 4_850_020))]
    (tmp_path / "items.json").write_text(json.dumps(items))
    script = (
        "import json, sys\n"
        "from geodes_datalab import cubes\n"
        "items = json.load(open(sys.argv[1]))\n"
        "for engine in ('odc', 'stackstac'):\n"
        "    cubes.load(items, engine=engine, raw=True, crs='EPSG:3857', resolution=15, chunks=50).compute()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "items.json")], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_rasterio_says_of_its_own_arrays_is_muted_whatever_was_there_before() -> None:
    """A thread may leave rasterio's own filter behind, below one that makes errors of warnings."""

    def said(module: str) -> None:
        warnings.warn_explicit("none", NotGeoreferencedWarning, "features.py", 381, module=module)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        warnings.simplefilter("error")
        for _ in range(2):
            gdal.mute_rasterio()
            said("rasterio.features")
            with pytest.raises(NotGeoreferencedWarning):
                said("__main__")
        before = len(warnings.filters)
        gdal.mute_rasterio()
        assert len(warnings.filters) == before
