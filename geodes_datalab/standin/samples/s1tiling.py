"""Sentinel-1 backscatter on the MGRS grid: one GeoTIFF per date and polarisation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from geodes_datalab.standin.samples import archive
from geodes_datalab.standin.samples.grid import bbox
from geodes_datalab.standin.samples.metadata import S3
from geodes_datalab.standin.samples.product import Product, describe
from geodes_datalab.standin.samples.sources import Backscatter

COLLECTION = "THEIA_S1TILING_SENTINEL1_L1"
RELATIVE_ORBIT = 9
NOTE = (
    "Real pixels of NASA/JPL OPERA RTC-S1 (terrain-corrected gamma0, linear power, 30 m, contains "
    "modified Copernicus Sentinel data), cropped by distmetrics; served under S1Tiling's naming. "
    "It is no product of S1Tiling, which delivers sigma0 at 10 m."
)
DESPECKLED_NOTE = " Despeckled by total variation in the source; a smaller window than VH."
PAPUA_NEW_GUINEA = {
    "continents": [
        {
            "id": "continent:Oceania:6255151",
            "name": "Oceania",
            "countries": [
                {"id": "country:PapuaNewGuinea:2088628", "name": "Papua New Guinea", "pcover": 100}
            ],
        }
    ]
}

CONSTANT = {
    "product:type": "GAMMA0_RTC",
    "processing:level": "L1",
    "platform": "S1A",
    "instrument": "SAR-C SAR",
    "sar:instrument_mode": "IW",
    "swath": "IW",
    "sat:orbit_state": "Ascending",
    "sat:relative_orbit": RELATIVE_ORBIT,
    "product:timeliness": "Nominal",
    "version": "00.00",
    "latest": True,
    "eo:cloud_cover": 0.0,
    "sci:doi": "[]",
    "keywords": ["location:tropical", "location:southern"],
    "continent_code": ["OC"],
    "political": PAPUA_NEW_GUINEA,
    "endpoint_description": "Stand-in: no such object exists",
}


def name_of(scene: Backscatter) -> str:
    """Return the file's name without ending: ``s1a_54MYV_vh_ASC_009_20240123t084748_...``."""
    stamp = scene.start.rstrip("Z").lower()
    ending = "_filtered" if scene.despeckled else ""
    tile = scene.grid.square()
    return (
        f"s1a_{tile}_{scene.polarisation}_ASC_{RELATIVE_ORBIT:03d}_{stamp}_GammaNaughtRTC{ending}"
    )


def pack(scene: Backscatter, root: Path) -> Product:
    """Write the GeoTIFF and quicklook below `root`, and return their catalogue entry."""
    name = name_of(scene)
    folder = root / COLLECTION / name
    folder.mkdir(parents=True, exist_ok=True)
    image = folder / f"{name}.tif"
    image.write_bytes(
        archive.geotiff(scene.pixels, scene.grid, nodata=float("nan"), tags=_tags(scene))
    )
    quicklook = folder / f"{name}_quicklook.jpg"
    quicklook.write_bytes(archive.jpeg(_picture(scene)))
    return Product(
        collection=COLLECTION,
        identifier=name,
        geometry=scene.grid.footprint(),
        properties=_properties(scene, name),
        files=(
            describe(root, image, name=image.name, media="image/tiff", datatype="RAWDATA"),
            describe(root, quicklook, name=quicklook.name, media="image/jpeg",
                     datatype="QUICKLOOK_SD"),
        ),
    )  # fmt: skip


def _picture(scene: Backscatter) -> Any:
    decibel = 10 * np.log10(np.maximum(scene.pixels, 1e-5))
    high = -5.0 if scene.polarisation == "vh" else 0.0
    grey = archive.stretch(decibel, low=high - 20, high=high)
    return np.concatenate([grey, grey, grey])


def _tags(scene: Backscatter) -> dict[str, str]:
    return {
        "ACQUISITION_DATETIME": _iso(scene.start),
        "CALIBRATION": "GammaNaughtRTC",
        "FLYING_UNIT_CODE": "s1a",
        "ORBIT_DIRECTION": "ASC",
        "ORTHORECTIFIED": "true",
        "POLARIZATION": scene.polarisation,
        "RELATIVE_ORBIT_NUMBER": f"{RELATIVE_ORBIT:03d}",
        "S2_TILE_CORRESPONDING_CODE": scene.grid.square(),
        "SPATIAL_RESOLUTION": "30.0",
        "TIFFTAG_IMAGEDESCRIPTION": NOTE,
    }


def _properties(scene: Backscatter, name: str) -> dict[str, Any]:
    start, grid = _iso(scene.start), scene.grid
    day = scene.start
    tile = grid.square()
    west, south, east, north = bbox(grid.footprint())
    return {
        "title": f"{name} (real pixels, stand-in product)",
        "grid:code": tile,  # without its T, as GEODES sometimes writes it
        "sar:polarizations": scene.polarisation.upper(),
        "endpoint_url": f"{S3}/sentinel1-s1tiling/{tile}/{day[:4]}/{day[4:6]}/{day[6:8]}/{name}.tif",
        "proj:bbox": f"{west},{north},{east},{south}",
        "area": round(grid.width * grid.height * grid.gsd**2 / 1e6, 4),
        "start_datetime": start,
        "end_datetime": start,
        "datetime": f"{start[:10]}T21:00:00.800000Z",
        "geodes_datalab:simulated": False,
        "geodes_datalab:comment": NOTE + (DESPECKLED_NOTE if scene.despeckled else ""),
        **CONSTANT,
        **grid.properties(),
    }


def _iso(stamp: str) -> str:
    day, time = stamp.rstrip("Z").split("T")
    return f"{day[:4]}-{day[4:6]}-{day[6:]}T{time[:2]}:{time[2:4]}:{time[4:]}Z"
