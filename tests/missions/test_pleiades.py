"""Pleiades images in DIMAP 2: tiles, bands by their names, places by polynomials."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import RPCTransformer

from geodes_datalab import _http
from geodes_datalab.cubes.formats import dimap2, files
from geodes_datalab.cubes.formats.registry import Wanted
from geodes_datalab.errors import FormatChanged
from geodes_datalab.stac.readers import reader, reader_of_product
from geodes_datalab.standin.missions import pleiades

INSIDE = f"IMG_PHR1A_MS_001/DIM_{pleiades.NAME}.XML"


def members() -> dict[str, bytes]:
    (made,) = pleiades.products()
    (content,) = made.files.values()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def opened(folder: Path, change: Callable[[dict[str, bytes]], None] | None = None) -> Any:
    held = members()
    if change:
        change(held)
    path = folder / "DS_PHR.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in held.items():
            archive.writestr(member, data)
    item = {
        "id": "1", "properties": {"identifier": f"DS_{pleiades.NAME}"},
        "assets": {"data": {"href": str(path), "type": "application/zip", "roles": ["data"]}},
    }  # fmt: skip
    with _http.Client() as client:
        told = files.ProductFiles(item, client)
        return dimap2.open_product(told, reader("PLEIADES_P1A"), item, Wanted())


def test_tiles_make_one_image_of_reflectance(tmp_path: Path) -> None:
    scene = opened(tmp_path)
    assert scene.sizes == {"line": 160, "pixel": 200}
    assert set(scene.data_vars) == {"blue", "green", "red", "nir"}
    far = 1 - 0.01673 * math.cos(math.radians(0.9856 * (220 - 4)))
    for line, pixel in ((5, 7), (5, 150), (150, 7), (159, 199)):
        radiance = (500 + line + 2 * pixel) / 9.39
        by_hand = math.pi * radiance * far**2 / (1915.0 * math.sin(math.radians(58.2)))
        assert float(scene.blue[line, pixel]) == pytest.approx(by_hand, rel=1e-6)
    assert np.isnan(scene.blue[0]).all()


def test_places_follow_the_polynomials(tmp_path: Path) -> None:
    """Linear ones here: offsets count the centre of the first pixel as 1."""
    scene = opened(tmp_path)
    for line, pixel in ((0, 0), (79, 99), (159, 199)):
        east, north = float(scene.longitude[line, pixel]), float(scene.latitude[line, pixel])
        assert east == pytest.approx(5.27 + 0.0025 * (pixel - 99) / 100, abs=2.5e-7)
        assert north == pytest.approx(44.17 - 0.0015 * (line - 79) / 80, abs=1.9e-7)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_gdal_reads_the_same(tmp_path: Path) -> None:
    scene = opened(tmp_path)
    for name, data in members().items():
        path = tmp_path / "unpacked" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    with rasterio.open(tmp_path / "unpacked" / INSIDE) as file:
        assert file.driver == "DIMAP"
        pixels = file.read()
    tile = tmp_path / "unpacked" / f"IMG_PHR1A_MS_001/IMG_{pleiades.NAME}_R1C1.TIF"
    with rasterio.open(tile) as file:  # the first tile has the image's origin
        rpcs = file.rpcs
    for band, name in enumerate(("red", "green", "blue", "nir")):
        shown = (scene[name] / scene[name][1, 0]).compute()
        np.testing.assert_allclose(shown[1:], pixels[band, 1:] / pixels[band, 1, 0], rtol=1e-6)
    with RPCTransformer(rpcs, RPC_HEIGHT=400.0) as transformer:
        for line, pixel in ((0, 0), (159, 199), (80, 60)):
            place = float(scene.longitude[line, pixel]), float(scene.latitude[line, pixel])
            row, column = transformer.rowcol(*place, op=float)
            assert (row, column) == pytest.approx((line + 0.5, pixel + 0.5), abs=0.01)


def edit(old: str, new: str) -> Callable[[dict[str, bytes]], None]:
    def change(held: dict[str, bytes]) -> None:
        assert old.encode() in held[INSIDE]
        held[INSIDE] = held[INSIDE].replace(old.encode(), new.encode())

    return change


def drop(held: dict[str, bytes]) -> None:
    del held[f"IMG_PHR1A_MS_001/IMG_{pleiades.NAME}_R2C1.TIF"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (drop, "R2C1"),
        (edit("<NCOLS>200", "<NCOLS>300"), "and metadata of"),
        (edit("<BAND_ID>B3</BAND_ID><BAND_INDEX>", "<BAND_ID>B9</BAND_ID><BAND_INDEX>"), "which of 4 bands"),
        (edit('version="2.15"', 'version="3.0"'), "version 3.0"),
        (edit('tile_R="2" tile_C="1"', 'tile_R="2" tile_C="2"'), "tiles"),
    ],
)  # fmt: skip
def test_what_is_not_as_described_is_refused(tmp_path: Path, change: Any, told: str) -> None:
    with pytest.raises(FormatChanged, match=told):
        opened(tmp_path, change)


def test_products_are_known_by_their_names() -> None:
    item = {"id": "x", "properties": {"identifier": f"DS_{pleiades.NAME}"}}
    assert reader_of_product(item) is reader("pleiades-p1a")
