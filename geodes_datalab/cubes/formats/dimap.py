"""DIMAP, the metadata of SPOT and Pleiades: what versions 1 and 2 tell of bands, values and places."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

import numpy as np
import xarray as xr

from geodes_datalab.cubes.formats.files import ProductFiles
from geodes_datalab.cubes.formats.registry import Wanted
from geodes_datalab.stac.readers import Band, Reader


class Corner(NamedTuple):
    """A place that the metadata tell: pixel and line from 0 at the centre of the first pixel, degrees."""

    pixel: float
    line: float
    longitude: float
    latitude: float


@dataclass(frozen=True)
class Channel:
    """What the metadata tell of one band."""

    index: int
    """Number in the file, from 1."""
    name: str
    gain: float
    """Stored numbers of one W m-2 sr-1 um-1."""
    bias: float = 0.0
    """Radiance of the stored number 0."""
    irradiance: float | None = None
    """Of the sun above the air, W m-2 um-1."""
    mean: float | None = None
    """Of the stored numbers."""


@dataclass(frozen=True)
class Scene:
    """What the metadata of one scene tell."""

    shape: tuple[int, int, int]
    """Bands, lines, pixels."""
    channels: tuple[Channel, ...]
    corners: tuple[Corner, ...]
    tiles: dict[tuple[int, int], str]
    """Row and column of each image file, from 1 -> its name."""
    special: dict[str, float] = field(default_factory=dict)
    """NODATA, SATURATED -> stored value."""
    elevation: float | None = None
    """Of the sun, degrees."""
    moment: datetime | None = None
    """Of the acquisition, UTC."""

    @property
    def is_reflectance(self) -> bool:
        """Whether all is told that reflectance needs."""
        told = all(channel.irradiance for channel in self.channels)
        return told and bool(self.elevation and self.elevation > 0) and self.moment is not None


def number(node: Element, path: str) -> float | None:
    """Return a finite number of the metadata; None where none is told."""
    try:
        value = float(node.findtext(path, "").strip())
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def needed(files: ProductFiles, node: Element, path: str) -> float:
    """Return a number that the metadata must tell."""
    value = number(node, path)
    if value is None:
        raise files.changed(f"has metadata that do not tell {path.rpartition('/')[2]}")
    return value


def shape(files: ProductFiles, root: Element) -> tuple[int, int, int]:
    """Return the numbers of bands, lines and pixels."""
    bands, rows, columns = (
        int(needed(files, root, f".//Raster_Dimensions/{word}"))
        for word in ("NBANDS", "NROWS", "NCOLS")
    )
    if min(bands, rows, columns) < 1:
        raise files.changed(f"has metadata of an image of {bands} x {rows} x {columns} values")
    return bands, rows, columns


def corners(root: Element) -> tuple[Corner, ...]:
    """Return the corners of the frame; the metadata count pixels from 1."""
    result = []
    for vertex in root.findall(".//Dataset_Frame/Vertex") or root.findall(
        ".//Dataset_Extent/Vertex"
    ):
        words = (
            ("FRAME_COL", "COL"),
            ("FRAME_ROW", "ROW"),
            ("FRAME_LON", "LON"),
            ("FRAME_LAT", "LAT"),
        )
        told = [_first(vertex, pair) for pair in words]
        if any(value is None for value in told):
            return ()
        pixel, line, east, north = (float(value or 0) for value in told)
        result.append(Corner(pixel - 1, line - 1, east, north))
    return tuple(result)


def _first(node: Element, words: Sequence[str]) -> float | None:
    return next((value for word in words if (value := number(node, word)) is not None), None)


def moment(*parts: str | None) -> datetime | None:
    """Return a date, or a date and a time, as one moment."""
    text = "T".join(part.strip() for part in parts if part and part.strip())
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None


def distance(day: int) -> float:
    """Return the distance of the sun in astronomical units, at a day of the year (CNES's formula for SPOT)."""
    return 1 - 0.01673 * math.cos(math.radians(0.9856 * (day - 4)))


def reflecting(scene: Scene, channel: Channel) -> float:
    """Return what radiance is multiplied by for reflectance: pi d2 / (E0 sin(elevation of the sun))."""
    assert scene.moment
    assert scene.elevation
    assert channel.irradiance
    far = distance(scene.moment.timetuple().tm_yday)
    return math.pi * far**2 / (channel.irradiance * math.sin(math.radians(scene.elevation)))


def chosen(
    files: ProductFiles, scene: Scene, reader: Reader, wanted: Wanted
) -> dict[str, tuple[Channel, Band]]:
    """Return the channels that are wanted, by the names of the variables.

    Bands that nobody names are those that the metadata tell, under their common names.

    Raises
    ------
    FormatChanged
        A band of the metadata is described nowhere, or one that is wanted is not in the metadata.
    UnknownBand
        The reader has no such band.
    """
    by_name = {}
    for channel in scene.channels:
        by_name[_described(files, channel, reader).name] = channel
    names = wanted.bands or [reader.band(name).common_name or name for name in by_name]
    result = {}
    for name in names:
        band = reader.band(name)
        if band.name not in by_name:
            raise files.changed(f"has no band {name}: its metadata tell {', '.join(by_name)}")
        result[name] = by_name[band.name], band
    return result


def _described(files: ProductFiles, channel: Channel, reader: Reader) -> Band:
    try:
        return reader.band(channel.name)
    except ValueError as error:
        raise files.changed(
            f'has a band "{channel.name}" in its metadata; described are {", ".join(reader.names)}'
        ) from error


def dataset(
    scene: Scene, pixels: Any, taken: dict[str, tuple[Channel, Band]], reader: Reader
) -> xr.Dataset:
    """Return physical values: reflectance where all is told that it needs, radiance otherwise.

    Parameters
    ----------
    scene
        What the metadata tell.
    pixels
        Stored numbers (band, line, pixel), lazy.
    taken
        Name of each variable -> its channel and band.
    reader
        What describes the products.

    Notes
    -----
    Radiance L = DN / gain + bias, in W m-2 sr-1 um-1; reflectance at the top of the air
    = pi L d2 / (E0 sin(elevation of the sun)), with d the distance of the sun in astronomical units
    (CNES and Airbus, SPOT and Pleiades user guides).
    """
    variables = {
        name: (
            ("line", "pixel"),
            _values(scene, pixels[channel.index - 1], channel),
            _attrs(scene, channel, band),
        )
        for name, (channel, band) in taken.items()
    }
    result = xr.Dataset(variables)
    if scene.moment:
        result.attrs["time"] = scene.moment.isoformat()
    if scene.elevation is not None:
        result.attrs["sun_elevation"] = scene.elevation
    return result


def _values(scene: Scene, stored: Any, channel: Channel) -> Any:
    factor = reflecting(scene, channel) if scene.is_reflectance else 1.0
    values = (stored.astype("float32") / channel.gain + channel.bias) * factor
    hidden = list(scene.special.values())
    if hidden:
        import dask.array as da

        values = da.where(da.isin(stored, hidden), np.float32(np.nan), values)
    return values.astype("float32")


def _attrs(scene: Scene, channel: Channel, band: Band) -> dict[str, Any]:
    what = "reflectance at the top of the air" if scene.is_reflectance else "radiance at the sensor"
    told = {
        "long_name": f"{what}, {band.common_name or band.name}",
        "standard_name": "toa_bidirectional_reflectance"
        if scene.is_reflectance
        else "toa_outgoing_radiance_per_unit_wavelength",
        "units": "1" if scene.is_reflectance else "W m-2 sr-1 um-1",
        "native_name": channel.name,
        "common_name": band.common_name,
        "wavelength": band.wavelength,
        "wavelength_units": "um" if band.wavelength else None,
    }
    return {name: value for name, value in told.items() if value is not None}
