"""Sentinel-1 images (SAFE): calibrated, in the geometry of the radar, with the place of each pixel.

Detected images (GRD) become sigma nought, (DN / LUT) squared; complex ones (SLC) become DN / LUT, whose squared
magnitude is sigma nought. A stored 0 is nothing. The table of sigmaNought is interpolated between its lines and
pixels. Thermal noise
is not taken off: ``VV_noise`` is what it adds to sigma nought, where somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
import xarray as xr

from geodes_datalab import stac
from geodes_datalab._types import Json
from geodes_datalab.cubes.formats import images
from geodes_datalab.cubes.formats.files import ProductFiles
from geodes_datalab.cubes.formats.registry import Wanted
from geodes_datalab.cubes.formats.safe_annotation import Annotation
from geodes_datalab.errors import UnknownBand
from geodes_datalab.stac.readers import Band, Reader

NOISE = "_noise"
"""How names of bands of thermal noise end."""

_DIMS = ("line", "pixel")
_STANDARD = "surface_backwards_scattering_coefficient_of_radar_wave"
_PLACES = {
    "longitude": {"units": "degrees_east", "standard_name": "longitude", "long_name": "longitude"},
    "latitude": {"units": "degrees_north", "standard_name": "latitude", "long_name": "latitude"},
    "incidence_angle": {
        "units": "degree",
        "standard_name": "angle_of_incidence",
        "long_name": "angle of incidence on the ellipsoid",
    },
}


def open_product(files: ProductFiles, reader: Reader, item: Json, wanted: Wanted) -> xr.Dataset:
    """Open a Sentinel-1 image; see `registry.Opener`.

    Sub-swaths of an SLC have sizes of their own: where several are opened at once, their dimensions and
    coordinates carry their names, as in ``line_IW1`` and ``longitude_IW1``.
    """
    own = _fitting(files, reader, item)
    found = _found(files, own, wanted)
    swaths: dict[str, list[tuple[Band, str]]] = {}
    for band, image in found:
        swaths.setdefault(_swath(band), []).append((band, image))
    parts = [
        _part(files, members, wanted, swath if len(swaths) > 1 else "")
        for swath, members in swaths.items()
    ]
    return xr.merge(parts, join="exact", compat="no_conflicts", combine_attrs="drop_conflicts")


def _fitting(files: ProductFiles, reader: Reader, item: Json) -> Reader:
    """Return the description that fits the files, whatever the catalogue calls the product."""
    described = stac.reader(reader.collection)
    for one in (reader, *(variant.reader for variant in described.variants)):
        if any(files.all(band.member) for band in one.bands if band.role == "data"):
            return one
    raise files.changed("has no image of Sentinel-1", [reader.bands[0].member])


def _found(files: ProductFiles, reader: Reader, wanted: Wanted) -> list[tuple[Band, str]]:
    """Return the bands that are wanted, and the image of each."""
    told = [(band, name) for band in reader.bands for name in files.all(band.member)[:1]]
    data = [entry for entry in told if not entry[0].name.endswith(NOISE)]
    if wanted.bands is None:
        return data
    names = [reader.band(name).name for name in wanted.bands]
    held = {band.name: (band, name) for band, name in told}
    for name in names:
        if name not in held:
            raise UnknownBand(
                f"{files.title} has no {name}",
                "it holds: " + ", ".join(band.name for band, _ in data),
            )
    return [(held[name][0], _image(files, reader, held[name])) for name in dict.fromkeys(names)]


def _image(files: ProductFiles, reader: Reader, held: tuple[Band, str]) -> str:
    """Return the image of a band: that of thermal noise is of the same polarisation."""
    band, name = held
    if not band.name.endswith(NOISE):
        return name
    return files.one(reader.band(band.name.removesuffix(NOISE)).member)


def _swath(band: Band) -> str:
    """Return the sub-swath of a band, such as ``IW1``; nothing where there is but one image."""
    whole = band.name.removesuffix(NOISE)
    return whole.rpartition("_")[0]


class _Image(NamedTuple):
    """One image, and the part of it that is wanted."""

    files: ProductFiles
    name: str
    told: Annotation
    lines: slice
    pixels: slice

    @property
    def window(self) -> tuple[slice, slice]:
        return self.lines, self.pixels


def _part(
    files: ProductFiles, members: Iterable[tuple[Band, str]], wanted: Wanted, swath: str
) -> xr.Dataset:
    """Open the bands of one sub-swath."""
    dims = tuple(f"{dim}_{swath}" if swath else dim for dim in _DIMS)
    variables: dict[str, Any] = {}
    notes: dict[str, _Image] = {}
    for band, name in members:
        if name not in notes:
            told = Annotation(files, name)
            told.check(_polarisation(band.name), _swath(band))
            notes[name] = _Image(files, name, told, *told.window(wanted.area))
        values = _values(notes[name], band)
        variables[band.name] = (dims, values, _attributes(band, values.dtype))
    image = next(iter(notes.values()))
    ending = f"_{swath}" if swath else ""
    coords = {f"{name}{ending}": one for name, one in _coordinates(image, dims).items()}
    polarisations = dict.fromkeys(_polarisation(name) for name in variables)
    attributes = {**image.told.attributes, "polarisations": " ".join(polarisations)}
    return xr.Dataset(variables, coords, attributes)


def _polarisation(name: str) -> str:
    return name.removesuffix(NOISE).rpartition("_")[2]


def _attributes(band: Band, dtype: Any) -> dict[str, Any]:
    result = {"units": "1", "polarisation": _polarisation(band.name)}
    if band.name.endswith(NOISE):
        return {**result, "long_name": "thermal noise in sigma nought, linear power"}
    if np.dtype(dtype).kind == "c":
        return {
            **result,
            "long_name": "complex amplitude: its squared magnitude is sigma nought, linear power",
        }
    return {**result, "long_name": "sigma nought, linear power", "standard_name": _STANDARD}


def _coordinates(image: _Image, dims: tuple[str, ...]) -> dict[str, Any]:
    told = image.told
    along, across = _lazy(told.along, image.lines), _lazy(_counted(image, 1), image.pixels)
    places = told.places
    result: dict[str, Any] = {
        name: (dims, places[name].lazy(along, across, "float64"), attributes)
        for name, attributes in _PLACES.items()
    }
    longitude = result["longitude"][1]
    result["longitude"] = (dims, (longitude + 180.0) % 360.0 - 180.0, _PLACES["longitude"])
    moments = told.first + (told.seconds[image.lines] * 1e9).round().astype("timedelta64[ns]")
    result["time"] = (
        dims[0],
        moments,
        {"standard_name": "time", "long_name": "azimuth time (UTC)"},
    )
    for axis, (dim, window) in enumerate(zip(dims, image.window, strict=True)):
        number = _counted(image, axis)[window].astype("int32")
        long_name = f"{_DIMS[axis]} of the image, from 0"
        result[_DIMS[axis]] = (dim, number, {"long_name": long_name})
    return result


def _counted(image: _Image, axis: int) -> Any:
    return np.arange(image.told.shape[axis], dtype="float64")


def _lazy(values: Any, window: slice) -> Any:
    return da.from_array(values, chunks=images.BLOCK)[window]


def _values(image: _Image, band: Band) -> Any:
    """Return calibrated values, or the thermal noise in them, as a lazy array."""
    lines = _lazy(_counted(image, 0), image.lines)
    pixels = _lazy(_counted(image, 1), image.pixels)
    table = image.told.calibration.lazy(lines, pixels, "float64")
    if band.name.endswith(NOISE):
        return (_noise(image, lines, pixels) / table**2).astype("float32")
    header = images.header(image.files, image.name)
    if header.shape != (1, *image.told.shape):
        raise image.files.changed(
            f"holds {image.name} of {header.shape} bands, lines and pixels, "
            f"where its annotation tells {image.told.shape} lines and pixels"
        )
    if "complex" in header.dtype:  # GDAL's complex integers, which numpy does not know
        numbers = images.lazy(image.files, image.name, header._replace(dtype="complex64"))
        numbers = numbers[0][image.window]
        return da.where(numbers == 0, np.nan, numbers / table).astype("complex64")
    numbers = images.lazy(image.files, image.name, header)[0][image.window].astype("float64")
    return da.where(numbers == 0, np.nan, (numbers / table) ** 2).astype("float32")


def _noise(image: _Image, lines: Any, pixels: Any) -> Any:
    """Return thermal noise as the square of a stored number."""
    across, blocks = image.told.noise
    result = across.lazy(lines, pixels, "float64")
    for (first, last, left, right), along in blocks:
        rows = (lines >= first) & (lines <= last)
        columns = (pixels >= left) & (pixels <= right)
        factor = along.lazy(lines, pixels, "float64")
        result = da.where(rows[:, None] & columns[None, :], result * factor, result)
    return result
