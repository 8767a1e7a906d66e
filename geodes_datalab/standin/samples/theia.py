"""Theia (MUSCATE) L2A products: GeoTIFF bands and masks in a zip archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from geodes_datalab.standin.samples import archive, simulate
from geodes_datalab.standin.samples.level1c import Level1C
from geodes_datalab.standin.samples.metadata import S3, sentinel2_properties
from geodes_datalab.standin.samples.product import Product, describe
from geodes_datalab.standin.samples.sky import Sky

COLLECTION = "THEIA_REFLECTANCE_SENTINEL2_L2A"
NAMES = {"B02": "B2", "B03": "B3", "B04": "B4", "B08": "B8", "B11": "B11", "B12": "B12"}
CLOUD_OR_SHADOW, CLOUD, MULTI_TEMPORAL, SHADOW = 1, 2, 8, 32
MG2_CLOUD, MG2_SHADOW = 2, 8


def name_of(product: Level1C) -> str:
    """Return the product name: ``SENTINEL2A_20211104-142021-024_L2A_T19GFG_C_V3-0``."""
    scene = product.scene
    stamp = scene.start.replace("T", "-")
    return f"SENTINEL2{scene.unit}_{stamp}-024_L2A_{product.tile}_C_V3-0"


def pack(product: Level1C, toa: dict[str, Any], sky: Sky, root: Path) -> Product:
    """Write the archive and quicklook below `root`, and return their catalogue entry."""
    name = name_of(product)
    folder = root / COLLECTION / name
    content = members(product, toa, sky)
    zip_path = archive.write_zip(folder / f"{name}.zip", content, stamp=product.scene.start)
    quicklook = folder / f"{name}_QKL_ALL.jpg"
    quicklook.write_bytes(content[f"{name}/{quicklook.name}"])
    return Product(
        collection=COLLECTION,
        identifier=name,
        geometry=product.grid.footprint(),
        properties=_properties(product, name),
        files=(
            describe(root, zip_path, name=zip_path.name, media="application/zip",
                     datatype="RAWDATA"),
            describe(root, quicklook, name=quicklook.name, media="image/jpeg",
                     datatype="QUICKLOOK_SD"),
        ),
    )  # fmt: skip


def members(product: Level1C, toa: dict[str, Any], sky: Sky) -> dict[str, bytes]:
    """Return the members of the archive in the order in which they are written."""
    name = name_of(product)
    content = {f"{name}/{name}_MTD_ALL.xml": _metadata(product, name)}
    slant = simulate.surface(toa)
    for variant, bands in (("SRE", slant), ("FRE", simulate.flatten_slopes(slant))):
        for band, pixels in bands.items():
            grid = product.grid.at(10 if pixels.shape == sky.cloud.shape else 20)
            path = f"{name}/{name}_{variant}_{NAMES[band]}.tif"
            content[path] = archive.geotiff(pixels, grid)  # nodata is not declared, as in reality
    for group, gsd in (("R1", 10), ("R2", 20)):
        grid = product.grid.at(gsd)
        content[f"{name}/{name}_ATB_{group}.tif"] = archive.geotiff(_atmosphere(sky, gsd), grid)
        for mask, pixels in masks(sky.at(gsd)).items():
            content[f"{name}/MASKS/{name}_{mask}_{group}.tif"] = archive.geotiff(pixels, grid)
    rgb = [slant[band] for band in ("B04", "B03", "B02")]
    picture = archive.jpeg(archive.photograph(*rgb, low=0, high=4500))
    content[f"{name}/{name}_QKL_ALL.jpg"] = picture
    return content


def masks(sky: Sky) -> dict[str, Any]:
    """Return the bit masks (``uint8``) of MUSCATE products for the simulated sky.

    ``CLM``: 1 any cloud or shadow, 2 any cloud, 8 found by comparing dates, 32 shadow of a cloud.
    ``MG2``: 2 cloud, 8 shadow of a cloud. ``EDG``: 1 outside of the swath. ``SAT``: all 0.
    """
    cloud, shadow = sky.cloud.astype("uint8"), sky.shadow.astype("uint8")
    return {
        "CLM": cloud * (CLOUD_OR_SHADOW + CLOUD + MULTI_TEMPORAL)
        + shadow * (CLOUD_OR_SHADOW + SHADOW),
        "MG2": cloud * MG2_CLOUD + shadow * MG2_SHADOW,
        "EDG": sky.outside.astype("uint8"),
        "SAT": np.zeros_like(cloud),
    }


def _atmosphere(sky: Sky, gsd: int) -> Any:
    """Water vapour (g/cm2 x 20) and aerosol optical thickness (x 200): constants."""
    shape = sky.at(gsd).cloud.shape
    return np.stack([np.full(shape, 24, "uint8"), np.full(shape, 14, "uint8")])


def _properties(product: Level1C, name: str) -> dict[str, Any]:
    scene, day = product.scene, product.scene.start
    stem = name.removesuffix("_V3-0")
    place = f"{product.tile}/{day[:4]}/{day[4:6]}/{day[6:8]}/{stem}/{day[:8]}T230000"
    return {
        **sentinel2_properties(product),
        "title": f"{name} (simulated)",
        "grid:code": product.tile,
        "product:type": "REFLECTANCE",
        "endpoint_url": f"{S3}/sentinel2-l2a-sprid/{place}/{name}.zip",
        "processing:level": "L2A",
        "processing:version": "3.0",
        "version": "3.0",
        "datetime": f"{scene.iso[:10]}T23:31:07Z",
        "geodes_datalab:simulated": True,
        "geodes_datalab:comment": f"{scene.place.surface_note} {scene.notes}",
        **product.grid.properties(),
    }


def _metadata(product: Level1C, name: str) -> bytes:
    """Return ``_MTD_ALL.xml``: identification, quantification and special values."""
    scene, grid = product.scene, product.grid
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<!-- {scene.place.surface_note} {scene.notes} -->
<Muscate_Metadata_Document>
<Metadata_Identification><METADATA_FORMAT version="1.17">METADATA_MUSCATE</METADATA_FORMAT>
<METADATA_PROFILE>DISTRIBUTED</METADATA_PROFILE></Metadata_Identification>
<Dataset_Identification><IDENTIFIER>{name}</IDENTIFIER><AUTHORITY>STAND-IN</AUTHORITY>
<GEOGRAPHICAL_ZONE type="Tile">{product.tile}</GEOGRAPHICAL_ZONE></Dataset_Identification>
<Product_Characteristics><PRODUCT_ID>{name}</PRODUCT_ID>
<ACQUISITION_DATE>{scene.iso}</ACQUISITION_DATE><PRODUCT_VERSION>3.0</PRODUCT_VERSION>
<PLATFORM>SENTINEL2{scene.unit}</PLATFORM>
<ORBIT_NUMBER type="Track">{product.absolute_orbit}</ORBIT_NUMBER></Product_Characteristics>
<Geoposition_Informations><Coordinate_Reference_System><GEO_TABLES version="5.2">EPSG</GEO_TABLES>
<Horizontal_Coordinate_System><HORIZONTAL_CS_TYPE>PROJECTED</HORIZONTAL_CS_TYPE>
<HORIZONTAL_CS_CODE>{grid.epsg}</HORIZONTAL_CS_CODE></Horizontal_Coordinate_System>
</Coordinate_Reference_System></Geoposition_Informations>
<Radiometric_Informations>
<REFLECTANCE_QUANTIFICATION_VALUE>10000.0</REFLECTANCE_QUANTIFICATION_VALUE>
<Special_Values_List><SPECIAL_VALUE name="nodata">-10000</SPECIAL_VALUE>
<SPECIAL_VALUE name="water_vapor_content_nodata">0</SPECIAL_VALUE></Special_Values_List>
</Radiometric_Informations>
<Quality_Informations><Current_Product><Product_Quality_List level="N2"><Global_Index_List>
<QUALITY_INDEX name="CloudPercent">{scene.cloud_cover:.0f}</QUALITY_INDEX></Global_Index_List>
</Product_Quality_List></Current_Product></Quality_Informations>
</Muscate_Metadata_Document>
""".encode()
