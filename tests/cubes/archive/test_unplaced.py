"""JPEG 2000 that only the catalogue places: an error that says so, whatever the cube's grid."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from products import plain, zipped
from rasterio.io import MemoryFile
from rasterio.shutil import copy

from geodes_datalab import cubes, errors

SHAPE = (80, 96)

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@pytest.fixture
def image() -> bytes:
    with MemoryFile(ext=".tif") as memory, MemoryFile(ext=".jp2") as made:
        with memory.open(driver="GTiff", height=80, width=96, count=1, dtype="uint16") as target:
            target.write(np.ones((1, *SHAPE), "uint16"))
        with memory.open() as source:
            copy(source, made.name, driver="JP2OpenJPEG", GMLJP2="NO", GeoJP2="NO")
        return bytes(made.getbuffer())


@pytest.mark.parametrize("way", ["server", "disk", "plain disk"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"resolution": 20},
        {"resolution": 15, "resampling": "bilinear"},
        {"crs": "EPSG:4326", "resolution": 0.0001},
    ],
)
def test_an_image_without_georeference(
    site,
    image,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    way: str,
    options: dict[str, Any],
) -> None:
    monkeypatch.setenv("GEODES_DIALECT", "stac")
    monkeypatch.setenv("GEODES_CACHE_DIR", str(tmp_path / "cache"))
    archive, alone = tmp_path / "P.zip", tmp_path / "B04.jp2"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("P.SAFE/IMG_DATA/T31TEJ_B04.jp2", image)
    alone.write_bytes(image)
    href = f"{site({'P.zip': archive.read_bytes()}).url}/P.zip" if way == "server" else str(archive)
    item = zipped(href, archive.stat().st_size, SHAPE)
    if way == "plain disk":
        item = plain({"B04": str(alone)}, SHAPE)
    with pytest.raises(errors.DataError, match="no georeference"):
        cubes.load([item], "B04", raw=True, **options).compute()
