"""Servers that misbehave, and what is read from them: right pixels, or what is the matter.

Each way of misbehaving, for each kind of file, read by `geodes_datalab.cubes.load` and computed. No other host
ever sees the key.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from products import encoded, plain, zipped
from support.misbehaving import BEHAVIOURS, misbehaving

from geodes_datalab import cubes
from geodes_datalab.cubes.archive.trouble import Unsuited
from geodes_datalab.cubes.read import pixels as reading
from geodes_datalab.errors import GeodesError, ServerQuirk

SHAPE = HIGH, WIDE = 300, 320
KEY = "k3y-of-the-portal"
MEMBER = "P.SAFE/IMG_DATA/T31TEJ_B04.jp2"


KINDS = ["stored jp2", "stored tif", "deflated tif", "cog", "strips"]


def archived(data: bytes, method: int) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("P.SAFE/manifest.safe", b"<a/>" * 500)
        archive.writestr(zipfile.ZipInfo(MEMBER), data, method)
    return stream.getvalue()


class Product(NamedTuple):
    """Two versions of a product, of the same size, and their pixels."""

    name: str
    files: tuple[bytes, bytes]
    pixels: tuple[np.ndarray, np.ndarray]

    def item(self, url: str) -> dict[str, Any]:
        """Describe it as a catalogue does."""
        address = f"{url}/{self.name}"
        if self.name == "P.zip":
            return zipped(address, len(self.files[0]), SHAPE)
        size = {"file:size": len(self.files[0])}
        return plain({"B04": address}, SHAPE, data_type="uint16", nodata=0, **size)


JP2 = {"driver": "JP2OpenJPEG", "QUALITY": "100", "REVERSIBLE": "YES", "BLOCKXSIZE": "128", "BLOCKYSIZE": "128"}  # fmt: skip
TILES = {"driver": "GTiff", "TILED": "YES", "BLOCKXSIZE": "128", "BLOCKYSIZE": "128"}
COG = {"driver": "COG", "BLOCKSIZE": "128", "COMPRESS": "NONE", "OVERVIEWS": "NONE"}
STRIPS = {"driver": "GTiff", "TILED": "NO", "BLOCKYSIZE": "16"}


def version(kind: str, pixels: np.ndarray) -> bytes:
    if kind == "stored jp2":
        return archived(encoded(pixels, ".jp2", JP2), zipfile.ZIP_STORED)
    if kind in {"stored tif", "deflated tif"}:
        method = zipfile.ZIP_STORED if kind == "stored tif" else zipfile.ZIP_DEFLATED
        return archived(encoded(pixels, ".tif", TILES), method)
    return encoded(pixels, ".tif", COG if kind == "cog" else STRIPS)


@pytest.fixture(scope="module", params=KINDS)
def product(request: pytest.FixtureRequest) -> Product:
    base = np.add.outer(np.arange(HIGH) * 50, np.arange(WIDE) * 40)
    noise = np.random.default_rng(1).integers(1, 400, SHAPE)
    first = (base + noise).astype("uint16")
    pixels = first, first[::-1, ::-1].copy()  # as many bytes, packed or not
    made = [version(request.param, one) for one in pixels]
    length = max(len(one) for one in made)
    name = "a.tif" if request.param in {"cog", "strips"} else "P.zip"
    return Product(name, (padded(name, made[0], length), padded(name, made[1], length)), pixels)


def padded(name: str, data: bytes, length: int) -> bytes:
    """Let versions have a size: by what a reader of images, or of archives, passes over."""
    more = length - len(data)
    if name != "P.zip":
        return data + bytes(more)
    before = data.rindex(b"PK\5\6") + 22  # what follows is a comment
    more += len(data) - before
    return data[: before - 2] + more.to_bytes(2, "little") + bytes(more)


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[None]:
    for name, value in {
        "DIALECT": "stac", "BACKOFF": "0.001", "RETRIES": "2", "API_KEY": KEY, "CACHE_DIR": str(tmp_path),
    }.items():  # fmt: skip
        monkeypatch.setenv(f"GEODES_{name}", value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ServerQuirk)
        yield


@pytest.mark.parametrize("way", ["engine", "gdal"])
@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_right_pixels_or_what_is_the_matter(
    product: Product, behaviour: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    manner, words, longer = BEHAVIOURS[behaviour]
    first, second = product.files
    if manner.hangs:
        monkeypatch.setenv("GEODES_TIMEOUT", "0.2")
    if way == "gdal":

        def unsuited(*_: Any) -> Any:
            raise Unsuited("as if it were of a kind that only GDAL reads")

        monkeypatch.setattr(reading, "_by_ranges", unsuited)
    said = ""
    with misbehaving(
        manner, {product.name: (first, padded(product.name, second, len(second) + longer))}
    ) as (portal, store):
        monkeypatch.setenv("GEODES_PORTAL", portal.url)
        try:
            found = cubes.load([product.item(portal.url)], "B04", raw=True).compute(scheduler="synchronous")  # fmt: skip
        except GeodesError as error:
            said = str(error)
            assert words
            assert any(word in said for word in words.split("|")), said
        else:
            pixels = found["B04"].values[0]
            assert any(np.array_equal(pixels, one) for one in product.pixels)
    assert {one.headers.get("x-api-key") for one in portal.asked} == {KEY}
    assert {one.headers.get("x-api-key") for one in store.asked} <= {None}
    assert "s1gned" not in said
    assert KEY not in said


@pytest.mark.parametrize("behaviour", ["as it should be", "Range ignored", "cut often", "until it closes", "HEAD 403", "signed elsewhere"])  # fmt: skip
def test_what_is_warped_is_that_of_the_file_on_disk(
    product: Product, behaviour: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / product.name).write_bytes(product.files[0])
    warped = {"crs": "EPSG:3857", "resolution": 25, "resampling": "bilinear", "raw": True}
    there = product.item("file://" + str(tmp_path))
    expected = cubes.load([there], "B04", **warped).compute(scheduler="synchronous")
    assert expected["B04"].values.any()
    with misbehaving(BEHAVIOURS[behaviour].manner, {product.name: product.files}) as (portal, store):  # fmt: skip
        monkeypatch.setenv("GEODES_PORTAL", portal.url)
        found = cubes.load([product.item(portal.url)], "B04", **warped).compute(scheduler="synchronous")  # fmt: skip
    np.testing.assert_array_equal(found["B04"].values, expected["B04"].values)
    assert {one.headers.get("x-api-key") for one in portal.asked} == {KEY}
    assert {one.headers.get("x-api-key") for one in store.asked} <= {None}
