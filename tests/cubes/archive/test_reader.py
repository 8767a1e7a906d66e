"""Cubes from archives on a server: the pixels of the downloaded archive, for a part of its bytes."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from products import encoded, zipped

from geodes_datalab import cubes, errors
from geodes_datalab.cubes.archive import archives, jp2, ranges, reader, tileparts, unpacked
from geodes_datalab.cubes.archive.accounting import counted
from geodes_datalab.cubes.archive.copies import Place, View
from geodes_datalab.cubes.archive.window import Window

WIDTH, HEIGHT = 640, 600
SHAPE = HEIGHT, WIDTH
JP2 = {
    "driver": "JP2OpenJPEG", "QUALITY": "100", "REVERSIBLE": "YES", "YCBCR420": "NO", "PLT": "YES",
    "RESOLUTIONS": "5", "BLOCKXSIZE": "128", "BLOCKYSIZE": "128", "PRECINCTS": ",".join(["{64,64}"] * 5),
    "CODEBLOCK_WIDTH": "32", "CODEBLOCK_HEIGHT": "32", "PROFILE": "UNRESTRICTED", "GMLJP2": "YES", "GeoJP2": "NO",
}  # fmt: skip
COG = {"driver": "COG", "BLOCKSIZE": "128", "COMPRESS": "DEFLATE", "OVERVIEW_COUNT": "2"}


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    chance = np.random.default_rng(3)
    base = np.add.outer(np.arange(HEIGHT) * 5, np.arange(WIDTH) * 4)
    pixels = (base + chance.integers(1, 400, (HEIGHT, WIDTH))).astype("uint16")
    pixels[:150, :170] = 0
    return pixels


@pytest.fixture(scope="module")
def shelves(tmp_path_factory: pytest.TempPathFactory, truth) -> dict[str, Path]:
    """Return a folder for each way of packing, with one archive in it."""
    image, geotiff = encoded(truth, ".jp2", JP2), encoded(truth, ".tif", COG)
    folders = {}
    for name, data, method in (
        ("stored jp2", image, zipfile.ZIP_STORED),
        ("deflated jp2", image, zipfile.ZIP_DEFLATED),
        ("stored tif", geotiff, zipfile.ZIP_STORED),
        ("deflated tif", geotiff, zipfile.ZIP_DEFLATED),
    ):
        folders[name] = tmp_path_factory.mktemp("shelf")
        with zipfile.ZipFile(folders[name] / "P.zip", "w", method) as archive:
            for other in range(40):
                archive.writestr(f"P.SAFE/QI_DATA/{other}.xml", b"<a/>" * 500)
            archive.writestr("P.SAFE/IMG_DATA/T31TEJ_B04.jp2", data)
            archive.writestr("P.SAFE/IMG_DATA/T31TEJ_B08.jp2", data)
    return folders


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GEODES_DIALECT", "stac")
    monkeypatch.setenv("GEODES_BACKOFF", "0.01")
    monkeypatch.setenv("GEODES_RETRIES", "1")
    monkeypatch.setenv("GEODES_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(tileparts, "SMALL", 0)
    monkeypatch.setattr(jp2, "WORTH", 4_000)
    monkeypatch.setattr(ranges, "GAP", 1_000)
    archives._known.clear()


def served(depot, folder: Path, version: str | None = None) -> dict:
    data = (folder / "P.zip").read_bytes()
    return zipped(depot.put("P.zip", data, version), len(data), SHAPE)


PACKINGS = ["stored jp2", "deflated jp2", "stored tif", "deflated tif"]


@pytest.mark.parametrize("packing", PACKINGS)
def test_the_whole_image(depot, shelves, truth, packing: str) -> None:
    with counted() as tally:
        cube = cubes.load([served(depot, shelves[packing])], "B04", chunks=200, raw=True).compute()
    np.testing.assert_array_equal(cube["B04"].values[0], truth)
    assert tally.requests == len(depot.spans)  # nobody else asked: GDAL did not


@pytest.mark.parametrize("packing", PACKINGS)
@settings(max_examples=8)
@given(
    west=st.floats(4.2180, 4.2900), south=st.floats(43.745, 43.790),
    wide=st.floats(0.0002, 0.03), high=st.floats(0.0002, 0.03),
    resolution=st.sampled_from([None, 10, 20, 37, 60, 160]),
    resampling=st.sampled_from(["nearest", "bilinear", "cubic", "average", "lanczos", "mode"]),
    crs=st.sampled_from([None, None, "EPSG:32632", "EPSG:3857"]),
)  # fmt: skip
def test_any_cube_is_that_of_the_downloaded_archive(
    depot, shelves, packing: str, *, west, south, wide, high, resolution, resampling, crs
) -> None:
    """Over areas, resolutions, resampling and coordinate systems."""
    arguments = {
        "bands": "B04", "bbox": (west, south, west + wide, south + high), "crs": crs,
        "resolution": resolution or (10 if crs else None), "resampling": resampling,
    }  # fmt: skip
    one = served(depot, shelves[packing])
    before = len(depot.spans)
    try:
        local = cubes.load([one], archives=shelves[packing], **arguments, raw=True).compute()
    except errors.CubeError:
        assume(False)  # the area lies beside the image
    assert len(depot.spans) == before
    with counted() as tally:
        remote = cubes.load([one], **arguments, raw=True).compute()
    np.testing.assert_array_equal(remote["B04"].values, local["B04"].values)
    assert remote.equals(local)
    assert tally.requests == len(depot.spans) - before


@pytest.mark.parametrize("packing", ["stored jp2", "stored tif"])
def test_little_is_read_for_a_little_area(depot, shelves, packing: str) -> None:
    one = served(depot, shelves[packing])
    bbox = (4.26, 43.77, 4.2605, 43.7705)
    with counted() as tally:
        cubes.load([one], "B04", bbox=bbox, raw=True).compute()
    assert tally.received < tally.size / 4
    with counted() as tally:
        cubes.load([one], "B04", bbox=bbox, raw=True).compute()
    assert tally.requests <= 3
    assert tally.received < tally.size / 12


@pytest.mark.parametrize("packing", ["stored jp2", "stored tif"])
def test_overviews_serve_coarse_cubes(depot, shelves, packing: str) -> None:
    one = served(depot, shelves[packing])
    with counted() as fine:
        cubes.load([one], "B04", raw=True).compute()
    with counted() as coarse:
        cubes.load([one], "B08", resolution=40, raw=True).compute()
    with counted() as again:
        cubes.load([one], "B08", resolution=40, raw=True).compute()
    assert coarse.received < fine.received * 0.7  # most of it to find the tiles
    assert again.received < fine.received / 3


@pytest.mark.parametrize("packing", ["deflated jp2", "deflated tif"])
def test_a_deflated_member_is_fetched_once(depot, shelves, packing: str, tmp_path: Path) -> None:
    one = served(depot, shelves[packing])
    cubes.load([one], "B04", chunks=100, raw=True).compute()
    fetched = depot.received
    assert fetched < one["assets"]["data"]["file:size"]
    cubes.load([one], "B04", resolution=30, raw=True).compute()
    assert depot.received == fetched
    assert len(list((tmp_path / "cache" / "members").iterdir())) == 1


def test_a_cache_that_cannot_be_written_is_done_without(
    depot, shelves, truth, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file stands where the folder should be")
    for packing in ("stored jp2", "stored tif"):
        archives._known.clear()
        cube = cubes.load([served(depot, shelves[packing])], "B04", raw=True).compute()
        np.testing.assert_array_equal(cube["B04"].values[0], truth)


def test_a_new_version_of_an_archive(depot, shelves, truth) -> None:
    """The directory that is known is of the old one: it is read anew."""
    one = served(depot, shelves["stored jp2"], '"1"')
    cube = cubes.load([one], "B04", raw=True)
    served(depot, shelves["stored jp2"], '"2"')
    np.testing.assert_array_equal(cube["B04"].values[0], truth)


def test_damage_in_a_deflated_member_is_told(depot, shelves) -> None:
    one = served(depot, shelves["deflated tif"])
    data = bytearray(depot.files["P.zip"])
    place = data.index(b"IMG_DATA") + 2000
    data[place : place + 64] = bytes(64)
    depot.files["P.zip"] = bytes(data)
    cube = cubes.load([one], "B04", raw=True)
    with pytest.raises(errors.DataError, match="B04"):
        cube["B04"].compute()


def test_full_disks_and_mere_headers_are_left_to_gdal(
    depot, shelves, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from geodes_datalab import _http

    monkeypatch.setattr(unpacked, "SPARE", 2**62)
    one = served(depot, shelves["deflated tif"])
    asset = one["assets"]["data"]
    place = Place(asset["href"], asset["file:size"], "P.SAFE/IMG_DATA/T31TEJ_B04.jp2")
    whole = View(Window(0, 0, WIDTH, HEIGHT), 0)
    with _http.Client() as client:
        for look, says in ((lambda _: whole, "nearly full"), (None, "header")):
            with pytest.raises(reader.Unsuited, match=says), reader.lent(client, place, look):
                pass
    assert not list((tmp_path / "cache").glob("members/*"))


def test_headers_are_read_without_pixels(depot, shelves) -> None:
    from geodes_datalab.cubes.read.pixels import Source, read_header

    for packing in ("stored jp2", "stored tif"):
        archives._known.clear()
        one = served(depot, shelves[packing], f'"{packing}"')["assets"]["data"]
        path = f"/vsizip/{{/vsicurl/{one['href']}}}/P.SAFE/IMG_DATA/T31TEJ_B04.jp2"
        before = len(depot.spans)
        header = read_header(Source("P", "B04", path, one["file:size"]))
        assert (header.grid.shape, header.dtype) == ((HEIGHT, WIDTH), "uint16")
        assert len(depot.spans) == before + 2


def test_a_hole_that_is_read_after_all_is_left_to_gdal(
    depot, shelves, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too small a view costs time, and gives no wrong pixel."""
    from geodes_datalab.cubes.read import views

    monkeypatch.setattr(views, "wanted", lambda *_, **__: View(Window(0, 0, 9, 9), 0))
    one = served(depot, shelves["stored jp2"])

    def read() -> np.ndarray:
        cube = cubes.load([one], "B04", resolution=20, resampling="bilinear", raw=True)
        return np.asarray(cube["B04"].compute())

    found = read()
    monkeypatch.undo()
    np.testing.assert_array_equal(found, read())


@pytest.mark.parametrize("packing", ["stored jp2", "stored tif"])
@pytest.mark.parametrize("place", [0, 14, 40, 100])
def test_a_hostile_member_is_told_as_such(depot, shelves, packing: str, place: int) -> None:
    """Whatever is wrong with it, and whoever finds out: us or GDAL."""
    one = served(depot, shelves[packing])
    with zipfile.ZipFile(shelves[packing] / "P.zip") as archive:
        head = archive.read("P.SAFE/IMG_DATA/T31TEJ_B04.jp2")[:64]
    begin = depot.files["P.zip"].index(head) + place
    harmed = bytearray(depot.files["P.zip"])
    harmed[begin : begin + 400] = b"\xff" * 400
    depot.files["P.zip"] = bytes(harmed)
    with pytest.raises(errors.ArchiveError, match="band B04 of S2 could not be read"):
        cubes.load([one], "B04", raw=True).compute()


def test_cubes_read_at_once_are_those_of_dask(depot, shelves, truth) -> None:
    one = served(depot, shelves["stored jp2"])
    for resolution in (10, 20):
        now = cubes.load([one], "B04", resolution=resolution, threads=4, chunks=100, raw=True)
        assert isinstance(now["B04"].data, np.ndarray)
        later = cubes.load([one], "B04", resolution=resolution, chunks=100, raw=True).compute()
        np.testing.assert_array_equal(now["B04"].values, later["B04"].values)


@given(shrink=st.integers(1, 80), steps=st.lists(st.integers(2, 64), unique=True).map(sorted))
def test_overviews_are_chosen_as_by_odc_loader(shrink: int, steps: list[int]) -> None:
    from odc.loader import _reader

    from geodes_datalab.cubes.archive.copies import overview_of

    assert overview_of(shrink, steps) == _reader.pick_overview(shrink, steps)
