"""Files of products that are opened one by one: found, read by parts, unpacked, and refused."""

from __future__ import annotations

import pickle
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.io import MemoryFile
from support.file_server import serving

from geodes_datalab import _http
from geodes_datalab.config import load as load_config
from geodes_datalab.cubes.formats import images
from geodes_datalab.cubes.formats.files import ProductFiles
from geodes_datalab.cubes.formats.registry import OPENERS, opener
from geodes_datalab.errors import ArchiveError, CubeError, FormatChanged
from geodes_datalab.stac.readers import KINDS

NOISE = np.random.default_rng(7).integers(0, 256, 1_000_000, "uint8").tobytes()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    into = BytesIO()
    with zipfile.ZipFile(into, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return into.getvalue()


def item(href: str, size: int | None = None, name: str = "A.zip") -> dict:
    kind = "application/zip" if name.endswith("zip") else "application/octet-stream"
    asset = {"href": href, "title": name, "type": kind, "roles": ["data"]}
    if size is not None:
        asset["file:size"] = size
    properties = {"title": "A", "datetime": "2024-01-01T00:00:00Z"}
    return {"id": "a", "collection": "C", "properties": properties, "assets": {"data": asset}}


@pytest.fixture
def client():
    with _http.Client(load_config(retries=0)) as result:
        yield result


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_part_of_a_member_on_a_server_takes_a_part_of_the_archive(client, method) -> None:
    content = zipped({"A/other.bin": NOISE, "A/wanted.bin": NOISE[::-1]}, method)
    with serving() as server:
        server.files["/A.zip"] = content
        files = ProductFiles(item(f"{server.url}/A.zip", len(content)), client)
        assert files.names == ["A/other.bin", "A/wanted.bin"]
        with files.stream(files.one("*/wanted.bin")) as stream:
            assert stream.size == len(NOISE)
            stream.seek(1000)
            assert stream.read(16) == NOISE[::-1][1000:1016]
            assert stream.seek(-4, 2) == len(NOISE) - 4
            assert stream.read() == NOISE[::-1][-4:]
        if method == zipfile.ZIP_STORED:
            asked = [one["range"] for one in server.asked if "range" in one]
            sizes = [int(b) - int(a) + 1 for a, b in (one[6:].split("-") for one in asked)]
            assert sum(sizes) < len(content) / 4


def test_a_server_that_sends_no_parts_is_read_all_the_same(client) -> None:
    with serving() as server:
        server.ranges = False
        server.files["/A.bin"] = NOISE
        files = ProductFiles(item(f"{server.url}/A.bin", len(NOISE), "A.bin"), client)
        with files.stream("A.bin") as stream:
            stream.seek(5)
            assert stream.read(5) == NOISE[5:10]


def test_a_stream_travels_as_its_place(tmp_path: Path, client) -> None:
    path = tmp_path / "A.zip"
    path.write_bytes(zipped({"A/wanted.bin": NOISE}, zipfile.ZIP_DEFLATED))
    stream = ProductFiles(item(str(path)), client).stream("A/wanted.bin")
    stream.read(10)
    sent = pickle.dumps(stream)
    assert len(sent) < 1000
    assert pickle.loads(sent).read(3) == NOISE[:3]


def test_a_product_of_other_files_says_what_it_holds(tmp_path: Path, client) -> None:
    path = tmp_path / "A.zip"
    path.write_bytes(zipped({"A/METADATA.DIM": b"<x/>", "A/IMAGERY.TIF": b""}))
    files = ProductFiles(item(str(path)), client)
    with pytest.raises(FormatChanged) as seen:
        files.one("*/METADATA_V2.DIM", "*/VOLUME.XML")
    assert "A has no file */METADATA_V2.DIM or */VOLUME.XML; it holds A/METADATA.DIM" in str(
        seen.value
    )
    assert "the nearest is A/METADATA.DIM" in str(seen.value)


def test_members_with_signs_of_patterns_in_their_names(tmp_path: Path, client) -> None:
    path = tmp_path / "A.zip"
    path.write_bytes(zipped({"A/x[1].bin": b"right", "A/x1.bin": b"wrong"}))
    assert ProductFiles(item(str(path)), client).read("A/x[1].bin") == b"right"


def test_members_are_unpacked_beside_each_other_and_go(tmp_path: Path, client) -> None:
    path = tmp_path / "A.zip"
    path.write_bytes(zipped({"A/deep/x.shp": b"1", "A/x.dbf": b"2", "A/x.doc": b"3"}))
    files = ProductFiles(item(str(path)), client)
    with files.unpacked("*.shp", "*.dbf") as folder:
        assert sorted(one.name for one in folder.iterdir()) == ["x.dbf", "x.shp"]
        assert (folder / "x.shp").read_bytes() == b"1"
    assert not folder.exists()


def test_an_archive_that_leads_out_of_its_folder_is_refused(tmp_path: Path, client) -> None:
    path = tmp_path / "A.zip"
    path.write_bytes(zipped({"../../evil.prj": b"3"}))
    with (
        pytest.raises(ArchiveError, match="evil"),
        ProductFiles(item(str(path)), client).unpacked("*"),
    ):
        pass


def test_a_file_that_should_be_small_is_not_read_whole(tmp_path, client, monkeypatch) -> None:
    monkeypatch.setattr("geodes_datalab.cubes.formats.files.LARGEST", 10)
    path = tmp_path / "A.bin"
    path.write_bytes(b"x" * 11)
    with pytest.raises(FormatChanged, match="11 bytes, which should be small"):
        ProductFiles(item(str(path), name="A.bin"), client).read("A.bin")


def test_windows_of_an_image_are_read_lazily(tmp_path: Path, client, monkeypatch) -> None:
    monkeypatch.setattr(images, "BLOCK", 64)
    pixels = np.arange(2 * 100 * 150, dtype="uint16").reshape(2, 100, 150)
    with MemoryFile() as memory:
        profile = {"driver": "GTiff", "height": 100, "width": 150, "count": 2, "dtype": "uint16"}
        place = rasterio.Affine.translation(1, 1)
        with rasterio.open(memory, "w", transform=place, **profile) as file:
            file.write(pixels)
        path = tmp_path / "A.zip"
        path.write_bytes(zipped({"A/image.tif": bytes(memory.getbuffer())}))
    files = ProductFiles(item(str(path)), client)
    told = images.header(files, "A/image.tif")
    assert (told.shape, told.dtype, told.crs) == ((2, 100, 150), "uint16", "")
    lazy = images.lazy(files, "A/image.tif", told)
    assert lazy.chunks == ((2,), (64, 36), (64, 64, 22))
    np.testing.assert_array_equal(lazy[:, 60:70, 120:].compute(), pixels[:, 60:70, 120:])


def test_every_kind_is_opened_or_is_a_map() -> None:
    assert set(OPENERS) == {kind for kind in KINDS if kind not in ("zip", "file", "asset")}
    for kind in OPENERS:
        assert callable(opener(kind))
    with pytest.raises(CubeError, match=r"geodes_datalab\.load"):
        opener("zip")
