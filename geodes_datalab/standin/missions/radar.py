"""Sentinel-1 images as `PEPS_S1_L1` has them (SAFE in a zip archive): one GRD and one SLC, both simulated.

Backscatter follows `sigma0`: a lake in land that rises in brightness along the track. The XML files have the
elements of the real ones that readers use, the pixels are stored as in real products.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from geodes_datalab.standin.missions import safe
from geodes_datalab.standin.missions.made import Made, zipped
from geodes_datalab.standin.missions.radar_image import START, Image

_GAIN = {"VV": 1.0, "VH": 0.2}


def sigma0(lines: Any, pixels: Any, polarisation: str) -> Any:
    """Return the simulated backscatter, in linear power: 0.01 on the lake, 0.08 to 0.12 around it (VV)."""
    lake = ((lines - 160) / 90) ** 2 + ((pixels - 300) / 160) ** 2 < 1
    return _GAIN[polarisation] * np.where(lake, 0.01, 0.08 + 0.0001 * lines)


def table(lines: Any, pixels: Any) -> Any:
    """Return sigmaNought of the look-up table, at its knots."""
    return 420.0 - 0.09 * pixels + 1.5e-5 * pixels**2 + 0.01 * lines


def noise(pixels: Any) -> Any:
    """Return thermal noise at knots, as the square of a stored number."""
    return 300.0 + 80.0 * np.cos(pixels / 120.0)


def place(along: Any, pixels: Any) -> tuple[Any, Any]:
    """Return longitude and latitude of a place: seconds along a descending track, pixels to the west of it."""
    latitude = 44.9 - 0.06 * along + 0.0000160 * pixels
    return -1.45 + 0.000126 * pixels - 0.0142 * along, latitude


def products() -> Iterable[Made]:
    """Return the sample products."""
    detected = Image("grd", "IW", "VV", 1, 400, 600)
    yield _product("GRD", "GRDH", [detected, replace(detected, polarisation="VH", number=2)])
    swaths = [("IW1", 120, 0), ("IW2", 132, 110), ("IW3", 124, 230)]
    yield _product(
        "SLC",
        "SLC_",
        [
            Image("slc", swath, name, number * 3 + place_ + 1, 80, pixels, first, burst=40)
            for number, name in enumerate(("VH", "VV"))
            for place_, (swath, pixels, first) in enumerate(swaths)
        ],
    )


def _product(kind: str, form: str, images: Sequence[Image]) -> Made:
    end = max(image.begin(image.lines - 1) for image in images)
    moments = f"{START:%Y%m%dT%H%M%S}_{end:%Y%m%dT%H%M%S}"
    name = f"S1A_IW_{form}_1SDV_{moments}_053000_066B00_{'A1C3' if kind == 'GRD' else '5E21'}"
    members: dict[str, bytes] = {}
    for image in images:
        members |= safe.texts(image, _points(image), table, noise)
        members[f"measurement/{image.stem}.tiff"] = _tiff(image)
    members = {
        "manifest.safe": safe.manifest(kind, images, members, start=START, end=end),
        **members,
    }
    corners = np.array([one[2:4] for image in images for one in _points(image)])
    (south, west), (north, east) = corners.min(axis=0), corners.max(axis=0)
    return Made(
        collection="PEPS_S1_L1",
        identifier=name,
        bbox=(float(west), float(south), float(east), float(north)),
        start=f"{START.isoformat(timespec='milliseconds')}Z",
        end=f"{end.isoformat(timespec='milliseconds')}Z",
        files={f"{name}.zip": zipped({f"{name}.SAFE/{path}": data for path, data in members.items()}, stored=True)},
        properties={
            "platform": "S1A", "instrument": "SAR-C SAR", "processing:level": "L1", "product:type": kind,
            "sar:instrument_mode": "IW", "sar:polarizations": "VV VH", "sat:orbit_state": "Descending",
            "sat:relative_orbit": 8, "sat:absolute_orbit": 53000,
        },
    )  # fmt: skip


def _points(image: Image) -> list[tuple[float, ...]]:
    """Return the places that the annotation tells: line, pixel, latitude, longitude, incidence, seconds."""
    step = image.burst or 100
    result: list[tuple[float, ...]] = []
    for line in (*range(0, image.lines, step), image.lines - 1):
        along = (image.begin(line) - START).total_seconds()
        for pixel in np.linspace(0, image.pixels - 1, 7).round():
            longitude, latitude = place(along, pixel + image.first)
            angle = 31.0 + 0.02 * (pixel + image.first)
            result.append((line, pixel, latitude, longitude, angle, along))
    return result


def _tiff(image: Image) -> bytes:
    import rasterio
    from rasterio.control import GroundControlPoint

    lines, pixels = np.mgrid[: image.lines, : image.pixels]
    power = sigma0(lines, pixels + image.first, image.polarisation)
    numbers = np.sqrt(power) * safe.interpolated(image, table)
    if image.kind == "slc":
        numbers = numbers * np.exp(1j * (0.11 * lines + 0.05 * pixels))
        numbers = (np.round(numbers.real) + 1j * np.round(numbers.imag)).astype("complex64")
    else:
        numbers = np.round(numbers).astype("uint16")
        numbers[:, :5] = 0  # as at the border of real products: nothing there
    points = [
        GroundControlPoint(row=one[0] + 0.5, col=one[1] + 0.5, x=one[3], y=one[2], z=0.0)
        for one in _points(image)
    ]
    dtype = "complex_int16" if image.kind == "slc" else "uint16"
    with rasterio.MemoryFile() as memory:
        with memory.open(
            driver="GTiff", width=image.pixels, height=image.lines, count=1, dtype=dtype,
            gcps=points, crs="EPSG:4326",
        ) as file:  # fmt: skip
            file.write(numbers, 1)
        return bytes(memory.read())
