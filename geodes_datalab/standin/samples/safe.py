"""Sentinel-2 L1C products: a SAFE folder in a zip archive, as PEPS_S2_L1C serves it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from geodes_datalab.standin.samples import archive, metadata
from geodes_datalab.standin.samples.grid import Grid, mgrs_square
from geodes_datalab.standin.samples.level1c import Level1C
from geodes_datalab.standin.samples.product import Product, describe
from geodes_datalab.standin.samples.scenes import Scene


def level1c(scene: Scene, grid: Grid, toa: dict[str, Any], cloud: Any) -> Level1C:
    """Return the digital numbers of a date, in the UTM zone that the scene asks for."""
    numbers = {
        name: np.where(pixels < 0, 0, np.clip(pixels + scene.offset, 1, 65535)).astype("uint16")
        for name, pixels in toa.items()
    }
    if scene.epsg != grid.epsg:
        target = neighbour_grid(grid, scene.epsg)
        numbers = {
            name: _reproject(pixels, grid.at(gsd), target.at(gsd))
            for name, pixels in numbers.items()
            for gsd in (10 if pixels.shape == cloud.shape else 20,)
        }
        cloud = _reproject(cloud.astype("uint16"), grid, target) > 0
        grid = target
    return Level1C(scene, grid, f"T{tile_of(grid)}", numbers, cloud)


def tile_of(grid: Grid) -> str:
    """Return the MGRS square of the crop's south-east part, which is the source tile's."""
    lat = grid.footprint()["coordinates"][0][2][1]
    x = grid.x + grid.width * grid.gsd - 1
    return mgrs_square(grid.epsg % 100, lat, x, grid.y - grid.height * grid.gsd + 1)


def neighbour_grid(grid: Grid, epsg: int) -> Grid:
    """Return the smallest 20 m aligned grid in another zone that covers the crop."""
    from rasterio.warp import transform_bounds

    right, bottom = grid.x + grid.width * grid.gsd, grid.y - grid.height * grid.gsd
    bounds = transform_bounds(grid.code, f"EPSG:{epsg}", grid.x, bottom, right, grid.y)
    west, south = (int(value // 20) * 20 for value in bounds[:2])
    east, north = (-int(-value // 20) * 20 for value in bounds[2:])
    return Grid(epsg, west, north, 10, (east - west) // 10, (north - south) // 10)


def pack(product: Level1C, root: Path) -> Product:
    """Write the archive and quicklook below `root`, and return their catalogue entry."""
    folder = root / "PEPS_S2_L1C" / product.name
    zip_path = archive.write_zip(
        folder / f"{product.name}.zip", members(product), stamp=product.scene.start
    )
    quicklook = folder / f"{product.name}_quicklook.jpg"
    quicklook.write_bytes(archive.jpeg(_rgb(product)))
    day, unit = product.scene.start, f"S2{product.scene.unit}"
    shown = f"{day[:4]}/{day[4:6]}/{day[6:8]}/{unit}/{quicklook.name}"
    return Product(
        collection="PEPS_S2_L1C",
        identifier=product.name,
        geometry=product.grid.footprint(),
        properties=metadata.level1c_properties(product),
        files=(
            describe(root, zip_path, name=zip_path.name, media="application/zip",
                     datatype="RAWDATA"),
            describe(root, quicklook, name=shown, media="image/jpeg", datatype="QUICKLOOK_SD"),
        ),
        on_tape=product.scene.on_tape,
    )  # fmt: skip


def members(product: Level1C) -> dict[str, bytes]:
    """Return the members of the archive in the order in which they are written."""
    safe = f"{product.name}.SAFE"
    images = f"{safe}/GRANULE/{product.granule}/IMG_DATA/{product.tile}_{product.scene.start}"
    quality = f"{safe}/GRANULE/{product.granule}/QI_DATA"
    content = {
        f"{safe}/MTD_MSIL1C.xml": metadata.mtd_msil1c(product),
        f"{safe}/GRANULE/{product.granule}/MTD_TL.xml": metadata.mtd_tl(product),
    }
    for band, pixels in product.numbers.items():
        gsd = 10 if pixels.shape == product.cloud.shape else 20
        content[f"{images}_{band}.jp2"] = archive.jp2(pixels, product.grid.at(gsd))
    content[f"{images}_TCI.jp2"] = archive.jp2(_rgb(product), product.grid)
    if product.scene.offset:  # since 04.00 masks are rasters; before, GML
        classes, grid = _classification(product)
        content[f"{quality}/MSK_CLASSI_B00.jp2"] = archive.jp2(classes, grid)
    content[f"{safe}/{product.name}-ql.jpg"] = archive.jpeg(_rgb(product))
    content[f"{safe}/manifest.safe"] = metadata.manifest(safe, content)
    return content


def _rgb(product: Level1C) -> Any:
    bands = [product.numbers[band].astype("int32") for band in ("B04", "B03", "B02")]
    shift = product.scene.offset
    return archive.photograph(*bands, low=500 + shift, high=4800 + shift)


def _classification(product: Level1C) -> tuple[Any, Grid]:
    """Opaque clouds, cirrus and snow at 60 m (three ``uint8`` layers of 0 and 1)."""
    grid = product.grid.at(60)
    padded = np.zeros((grid.height * 6, grid.width * 6), bool)
    padded[: product.cloud.shape[0], : product.cloud.shape[1]] = product.cloud
    blocks = padded.reshape(grid.height, 6, grid.width, 6).sum(axis=(1, 3))
    opaque = (blocks >= 18).astype("uint8")
    return np.stack([opaque, np.zeros_like(opaque), np.zeros_like(opaque)]), grid


def _reproject(pixels: Any, source: Grid, target: Grid) -> Any:
    from rasterio.transform import Affine
    from rasterio.warp import Resampling, reproject

    made = np.zeros((target.height, target.width), pixels.dtype)
    reproject(
        pixels, made, src_transform=Affine(*source.transform), src_crs=source.code,
        dst_transform=Affine(*target.transform), dst_crs=target.code,
        src_nodata=0, dst_nodata=0, resampling=Resampling.nearest, num_threads=1,
    )  # fmt: skip
    return made
