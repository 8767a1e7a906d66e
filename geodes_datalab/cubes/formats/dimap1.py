"""Scenes of SPOT as they were recorded (DIMAP version 1: level 1A of SPOT World Heritage and SPIRIT).

Numbers become radiance, ``L = DN / PHYSICAL_GAIN + PHYSICAL_BIAS`` (W m-2 sr-1 um-1), and, where the notes tell the
sun's elevation, its irradiance in each band and the date, reflectance at the top of the atmosphere,
``pi * L * d**2 / (E0 * sin(elevation))`` with ``d`` the distance to the sun in astronomical units (facts: Spot Image,
DIMAP generic format 1.1; SPOT products technical guide). There is no map: places are interpolated between the four
corners, without any model of the ground.

Bands are named by the notes, never by their order. Some products of level 1A list them in another order than the image
has them: the notes' mean values, where they are told, are compared with the image's, and bands are put right with a
warning; where no order fits, the product is refused.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from geodes_datalab._types import Json
from geodes_datalab.cubes import notice
from geodes_datalab.cubes.formats import images
from geodes_datalab.cubes.formats.files import ProductFiles
from geodes_datalab.cubes.formats.markup import Node
from geodes_datalab.cubes.formats.places import between_corners
from geodes_datalab.cubes.formats.registry import Wanted
from geodes_datalab.errors import UnknownBand, ValuesInDoubt
from geodes_datalab.stac.readers import Band, Reader

_DIMS = ("line", "pixel")
_INFOS = "Image_Interpretation/Spectral_Band_Info"

_SAMPLES = 1000
"""Pixels along each side of the middle part of the image by which bands are told apart."""

_NEAR = 0.15
"""Relative difference of mean values within which a band is the one that the notes tell of."""


def open_product(files: ProductFiles, reader: Reader, item: Json, wanted: Wanted) -> xr.Dataset:
    """Open a scene; see `registry.Opener`."""
    notes = files.one("*METADATA.DIM", "*/METADATA.DIM", "*.DIM", "*.dim")
    dim = Node(files, notes)
    name = _image(files, dim, notes)
    told = images.header(files, name)
    order = _order(files, dim, name, told)
    names = list(order) if wanted.bands is None else [reader.band(one).name for one in wanted.bands]
    if lost := [one for one in names if one not in order]:
        raise UnknownBand(f"{files.title} has no {lost[0]}", f"it holds: {', '.join(order)}")
    pixels = images.lazy(files, name, told)
    infos = {node.text("BAND_DESCRIPTION", ""): node for node in dim.all(_INFOS)}
    variables = {
        one: (_DIMS, *_physical(pixels[order[one]], dim, infos[one], reader)) for one in names
    }
    attrs = {
        "comment": "places are interpolated between four corners, without a model of the ground"
    }
    return xr.Dataset(variables, _places(files, dim, told.shape[1:]), attrs)


def _places(files: ProductFiles, dim: Node, shape: tuple[int, int]) -> dict[str, Any]:
    """Return the coordinates of the pixels."""
    longitude, latitude = between_corners(_corners(files, dim, shape), shape)
    return {
        "longitude": (_DIMS, longitude, {"units": "degrees_east", "standard_name": "longitude"}),
        "latitude": (_DIMS, latitude, {"units": "degrees_north", "standard_name": "latitude"}),
    }


def _image(files: ProductFiles, dim: Node, notes: str) -> str:
    """Return the image that the notes tell of, beside them."""
    told = next(
        (node.attribute("DATA_FILE_PATH", "href") for node in dim.all("Data_Access/Data_File")), ""
    )
    folder = notes.rpartition("/")[0]
    beside = f"{folder}/{told}" if folder else told
    if told and beside in files.names:
        return beside
    return files.one(f"{folder}/IMAGERY.TIF" if folder else "IMAGERY.TIF", "*IMAGERY.TIF")


def _order(files: ProductFiles, dim: Node, name: str, told: images.Header) -> dict[str, int]:
    """Return where in the image each band is."""
    infos = list(dim.all(_INFOS))
    names = [node.text("BAND_DESCRIPTION") for node in infos]
    if len(names) != told.shape[0] or len(set(names)) != len(names):
        raise files.changed(
            f"has {told.shape[0]} bands in {name}, and notes of {len(names)}: {', '.join(names)}"
        )
    places = {node.text("BAND_DESCRIPTION"): int(node.number("BAND_INDEX")) - 1 for node in infos}
    if sorted(places.values()) != list(range(len(names))):
        raise files.changed(f"has notes of bands in the places {sorted(places.values())}")
    means = {
        int(node.number("BAND_INDEX")) - 1: node.number("STX_MEAN")
        for node in dim.all("Image_Display/Band_Statistics")
        if node.text("STX_MEAN", "")
    }
    expected = {band: means[place] for band, place in places.items() if place in means}
    if len(names) == 1 or len(expected) < len(names):
        return places
    return _agreed(files, places, expected, _means(files, name, told))


def _means(files: ProductFiles, name: str, told: images.Header) -> list[float]:
    """Return the mean of each band in the middle of the image, over what is not 0."""
    _, rows, columns = told.shape
    half = _SAMPLES // 2
    part = images.lazy(files, name, told)[
        :,
        max(0, rows // 2 - half) : rows // 2 + half,
        max(0, columns // 2 - half) : columns // 2 + half,
    ].compute()
    return [float(one[one > 0].mean()) if (one > 0).any() else 0.0 for one in part]


def _agreed(
    files: ProductFiles, places: dict[str, int], expected: dict[str, float], seen: list[float]
) -> dict[str, int]:
    """Return the places of bands whose mean values agree with the notes: as told, or the only other way."""

    def fits(order: tuple[int, ...]) -> bool:
        return all(
            abs(seen[place] - expected[band]) <= _NEAR * max(expected[band], 1.0)
            for band, place in zip(places, order, strict=True)
        )

    if fits(tuple(places.values())):
        return places
    others = [order for order in permutations(range(len(seen))) if fits(order)]
    if len(others) != 1:
        raise files.changed(
            f"has bands whose mean values ({_listed(seen)}) are not those of its notes "
            f"({_listed(list(expected.values()))})"
        )
    result = dict(zip(places, others[0], strict=True))
    notice.warn(
        f"{files.title} has its bands in another order than its notes tell: they are named by their mean values "
        f"({', '.join(result)} are bands {', '.join(str(place + 1) for place in result.values())} of the image)",
        ValuesInDoubt,
    )
    return result


def _listed(numbers: list[float]) -> str:
    return ", ".join(f"{one:.1f}" for one in numbers)


def _physical(pixels: Any, dim: Node, info: Node, reader: Reader) -> tuple[Any, dict[str, Any]]:
    """Return reflectance, or radiance where too little is told for it; NaN where nothing was recorded."""
    gain, bias = info.number("PHYSICAL_GAIN"), float(info.text("PHYSICAL_BIAS", "0"))
    factor: float = 1.0
    attrs: dict[str, Any] = {"units": "W m-2 sr-1 um-1", "long_name": "radiance at the sensor"}
    if told := _to_reflectance(dim, info):
        factor = told
        attrs = {
            "units": "1", "long_name": "reflectance at the top of the atmosphere",
            "standard_name": "toa_bidirectional_reflectance",
        }  # fmt: skip
    band = _described(reader, info.text("BAND_DESCRIPTION"))
    if band is not None and band.wavelength:
        attrs |= {"wavelength": band.wavelength, "wavelength_units": "um"}
    if band is not None and band.common_name:
        attrs["common_name"] = band.common_name
    values = (pixels.astype("float32") / np.float32(gain) + np.float32(bias)) * np.float32(factor)
    return xr.DataArray(values).where(xr.DataArray(pixels) > 0).data, attrs


def _described(reader: Reader, name: str) -> Band | None:
    return next((band for band in reader.bands if band.name == name), None)


def _to_reflectance(dim: Node, info: Node) -> float:
    """Return by what radiance is multiplied; 0 where the sun's irradiance or height, or the date is not told."""
    scene = "Dataset_Sources/Source_Information/Scene_Source"
    elevation = float(dim.text(f"{scene}/SUN_ELEVATION", "0") or 0)
    index = info.text("BAND_INDEX")
    suns = {
        node.text("BAND_INDEX"): float(node.text("SOLAR_IRRADIANCE_VALUE", "0") or 0)
        for node in dim.all("Data_Strip/Sensor_Calibration/Solar_Irradiance/Band_Solar_Irradiance")
    }
    day = dim.text(f"{scene}/IMAGING_DATE", "")
    if not (elevation > 0 and suns.get(index) and day):
        return 0.0
    turn = 2 * np.pi * (pd.Timestamp(day).dayofyear - 3) / 365.256
    distance = 1 - 0.01672 * np.cos(turn)
    return float(np.pi * distance**2 / (suns[index] * np.sin(np.radians(elevation))))


def _corners(files: ProductFiles, dim: Node, shape: tuple[int, int]) -> Any:
    """Return line, pixel, longitude and latitude of each corner; lines and pixels from 0."""
    found = np.array(
        [
            [
                node.number("FRAME_ROW") - 1,
                node.number("FRAME_COL") - 1,
                node.number("FRAME_LON"),
                node.number("FRAME_LAT"),
            ]
            for node in dim.all("Dataset_Frame/Vertex")
        ]
    )
    if found.shape != (4, 4) or not (np.abs(found[:, 3]) <= 90).all():
        raise files.changed(f"has {len(found)} corners in its notes, which should be four")
    return found
