"""Writing archives and images so that the same input gives the same bytes."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from geodes_datalab.standin.samples.grid import Grid

STORED_ENDINGS = (".jp2",)


def write_zip(path: Path, members: dict[str, bytes], *, stamp: str) -> Path:
    """Write a zip archive in the given order, with one fixed time stamp.

    JPEG 2000 members are stored, as in the archives of GEODES; all others are deflated.

    Parameters
    ----------
    path
        Where to write.
    members
        Content by member name.
    stamp
        Date of every member, ``YYYYMMDDThhmmss``.
    """
    date = (int(stamp[:4]), int(stamp[4:6]), int(stamp[6:8]), 12, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, date)
            info.external_attr = 0o100644 << 16
            info.create_system = 3
            stored = name.endswith(STORED_ENDINGS)
            info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            archive.writestr(info, content, compresslevel=None if stored else 6)
    return path


def jp2(pixels: Any, grid: Grid) -> bytes:
    """Return a lossless JPEG 2000 with the structure of Sentinel-2 files, in small.

    Tiles of 128 pixels (real ones have 1024), 5 resolutions, precincts of 256, packet lengths
    (PLT), no tile lengths (TLM), georeferenced by a GML box alone.
    """
    from rasterio.shutil import copy

    options = {
        "QUALITY": "100", "REVERSIBLE": "YES", "YCBCR420": "NO", "RESOLUTIONS": "5",
        "BLOCKXSIZE": "128", "BLOCKYSIZE": "128", "PRECINCTS": ",".join(["{256,256}"] * 5),
        "PLT": "YES", "TLM": "NO", "PROFILE": "UNRESTRICTED", "GMLJP2": "YES", "GeoJP2": "NO",
        "NUM_THREADS": "1",
    }  # fmt: skip
    return _through_memory(pixels, grid, lambda source, target: copy(
        source, target, driver="JP2OpenJPEG", **options), ".jp2")  # fmt: skip


def geotiff(
    pixels: Any, grid: Grid, *, nodata: float | None = None, tags: dict[str, str] | None = None
) -> bytes:
    """Return a tiled, deflated GeoTIFF; without `nodata` its header declares none."""
    from rasterio.io import MemoryFile

    with MemoryFile() as memory:
        options = {"tiled": True, "blockxsize": 128, "blockysize": 128, "compress": "deflate"}
        with memory.open(**_profile(pixels, grid), nodata=nodata, **options) as target:
            target.write(_layers(pixels))
            if tags:
                target.update_tags(**tags)
        return bytes(memory.getbuffer())


def jpeg(rgb: Any) -> bytes:
    """Return a JPEG of a ``uint8`` array (3, rows, columns)."""
    from rasterio.shutil import copy

    grid = Grid(32631, 500_000, 0, 10, rgb.shape[2], rgb.shape[1])  # a JPEG keeps none of it
    options = {"QUALITY": "85", "WORLDFILE": "NO"}
    return _through_memory(
        rgb, grid, lambda source, target: copy(source, target, driver="JPEG", **options), ".jpg"
    )


def stretch(*bands: Any, low: float, high: float) -> Any:
    """Return bands as ``uint8`` (band, row, column), `low` to 0 and `high` to 255."""
    stack = np.stack([np.nan_to_num(np.asarray(band, "float64"), nan=low) for band in bands])
    return np.clip(np.rint((stack - low) * 255 / (high - low)), 0, 255).astype("uint8")


def photograph(*bands: Any, low: float, high: float) -> Any:
    """Return bands as ``uint8`` (band, row, column) with bright parts toned down: clouds keep their shape."""
    stack = np.stack([np.asarray(band, "int64") for band in bands])
    share = np.clip((stack - int(low)) * 10_000 // int(high - low), 0, 10_000)
    return (share * 383 // (share + 5000)).astype("uint8")


def _through_memory(pixels: Any, grid: Grid, copy: Any, ending: str) -> bytes:
    from rasterio.io import MemoryFile

    with MemoryFile() as memory, MemoryFile(ext=ending) as made:
        with memory.open(**_profile(pixels, grid)) as target:
            target.write(_layers(pixels))
        with memory.open() as source:
            copy(source, made.name)
        return bytes(made.getbuffer())


def _profile(pixels: Any, grid: Grid) -> dict[str, Any]:
    from rasterio.transform import Affine

    layers = _layers(pixels)
    return {
        "driver": "GTiff",
        "count": layers.shape[0],
        "height": layers.shape[1],
        "width": layers.shape[2],
        "dtype": layers.dtype.name,
        "crs": grid.code,
        "transform": Affine(*grid.transform),
    }


def _layers(pixels: Any) -> Any:
    return pixels if pixels.ndim == 3 else pixels[None]
