"""DIMAP version 1: scenes of SPOT 1 to 5 as the sensor saw them, one ``METADATA.DIM`` and one image."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
import xarray as xr

from geodes_datalab._types import Json
from geodes_datalab.cubes import notice
from geodes_datalab.cubes.formats import dimap, images, sensor_places
from geodes_datalab.cubes.formats.dimap import Channel, Scene
from geodes_datalab.cubes.formats.files import ProductFiles
from geodes_datalab.cubes.formats.markup import root_of
from geodes_datalab.cubes.formats.registry import Wanted
from geodes_datalab.errors import ValuesInDoubt
from geodes_datalab.stac.readers import Reader

NEAR = 0.03
"""Part of a band's mean by which that of its pixels may differ; and one stored number."""

PLACES = (
    "interpolated between the four corners that the product tells: relief and the sensor's turns are not "
    "in it, so that places may be wrong by hundreds of metres, in mountains by more"
)


def open_product(files: ProductFiles, reader: Reader, item: Json, wanted: Wanted) -> xr.Dataset:
    """Open a scene; see `geodes_datalab.cubes.formats.registry.Opener`.

    Values are reflectance at the top of the air where the metadata tell the sun's elevation and irradiance
    and the date; radiance otherwise: see `geodes_datalab.cubes.formats.dimap.dataset`.
    """
    name = files.one("*METADATA.DIM", "*metadata.dim", "*.DIM", "*.dim")
    scene = _scene(files, root_of(files, name))
    image = files.one(*_patterns(scene.tiles[1, 1]))
    told = images.header(files, image)
    if told.shape != scene.shape:
        raise files.changed(
            f"has an image of {_size(told.shape)}, and metadata of one of {_size(scene.shape)}"
        )
    pixels = images.lazy(files, image, told)
    scene = _in_order(files, scene, pixels)
    taken = dimap.chosen(files, scene, reader, wanted)
    result = dimap.dataset(scene, pixels, taken, reader)
    net = sensor_places.of_corners(scene.corners)
    return sensor_places.located(result, net, PLACES) if net else result


def _size(shape: tuple[int, int, int]) -> str:
    return f"{shape[0]} bands, {shape[1]} lines and {shape[2]} pixels"


def _patterns(name: str) -> tuple[str, ...]:
    return f"*/{name}", name, f"*/{name.lower()}", f"*/{name.upper()}"


def _scene(files: ProductFiles, root: Element) -> Scene:
    version = root.find("Metadata_Id/METADATA_FORMAT")
    told = "" if version is None else str(version.get("version", ""))
    if root.tag != "Dimap_Document" or not told.startswith("1"):
        raise files.changed(
            f"has metadata {root.tag} of version {told or '(none)'}; 1.0 or 1.1 is read"
        )
    path = root.find("Data_Access/Data_File/DATA_FILE_PATH")
    href = "" if path is None else str(path.get("href", ""))
    name = href.replace("\\", "/").rpartition("/")[2]
    if not name:
        raise files.changed("has metadata that name no image")
    source = root.find("Dataset_Sources/Source_Information/Scene_Source")
    source = Element("none") if source is None else source
    return Scene(
        shape=dimap.shape(files, root),
        channels=_channels(files, root),
        corners=dimap.corners(root),
        tiles={(1, 1): name},
        special=_special(root),
        elevation=dimap.number(source, "SUN_ELEVATION"),
        moment=dimap.moment(source.findtext("IMAGING_DATE"), source.findtext("IMAGING_TIME")),
    )


def _special(root: Element) -> dict[str, float]:
    """Return which stored values are none; DIMAP 1 calls their number an index."""
    result = {}
    for node in root.iter("Special_Value"):
        value = dimap.number(node, "SPECIAL_VALUE_INDEX")
        if value is not None:
            result[node.findtext("SPECIAL_VALUE_TEXT", "").strip().upper()] = value
    return {name: value for name, value in result.items() if name in ("NODATA", "SATURATED")}


def _channels(files: ProductFiles, root: Element) -> tuple[Channel, ...]:
    suns = _by_index(root, "Band_Solar_Irradiance", "SOLAR_IRRADIANCE_VALUE")
    means = _by_index(root, "Band_Statistics", "STX_MEAN")
    result = []
    for node in root.findall("Image_Interpretation/Spectral_Band_Info"):
        index = int(dimap.needed(files, node, "BAND_INDEX"))
        gain = dimap.needed(files, node, "PHYSICAL_GAIN")
        if gain <= 0:
            raise files.changed(f"has metadata with the gain {gain:g} of band {index}")
        bias = dimap.number(node, "PHYSICAL_BIAS") or 0.0
        name = node.findtext("BAND_DESCRIPTION", "").strip()
        result.append(Channel(index, name, gain, bias, suns.get(index), means.get(index)))
    count = dimap.shape(files, root)[0]
    if sorted(one.index for one in result) != list(range(1, count + 1)):
        raise files.changed(f"has metadata of {len(result)} bands for an image of {count}")
    return tuple(sorted(result, key=lambda one: one.index))


def _by_index(root: Element, tag: str, value: str) -> dict[int, float]:
    pairs = ((dimap.number(one, "BAND_INDEX"), dimap.number(one, value)) for one in root.iter(tag))
    return {int(index): told for index, told in pairs if index is not None and told is not None}


def _in_order(files: ProductFiles, scene: Scene, pixels: Any) -> Scene:
    """Give each band of the metadata the pixels whose mean it tells: some SPOT products mix them up."""
    told = [channel.mean for channel in scene.channels]
    if len(told) < 2 or any(mean is None for mean in told):
        return scene
    means = _means(scene, pixels)
    if _agree(told, means):
        return scene
    fitting = [
        order
        for order in permutations(range(len(told)))
        if _agree(told, [means[place] for place in order])
    ] if len(told) <= 5 else []  # fmt: skip
    if len(fitting) != 1:
        raise files.changed(
            f"has pixels with the means {_listed(means)}, and metadata with {_listed(told)}: "
            "which band is which is in doubt"
        )
    order = fitting[0]
    notice.warn(
        f"{files.title}: the metadata name the bands in another order than the image has them; their "
        "means tell which is which, and the values follow the means", ValuesInDoubt,
    )  # fmt: skip
    channels = zip(scene.channels, order, strict=True)
    return replace(scene, channels=tuple(replace(one, index=at + 1) for one, at in channels))


def _means(scene: Scene, pixels: Any) -> list[float]:
    """Return the means of stored numbers, without those that mean nothing."""
    import dask.array as da

    nothing = scene.special.get("NODATA")
    numbers = pixels.astype("float64")
    if nothing is not None:
        numbers = da.where(pixels == nothing, np.nan, numbers)
    return [float(value) for value in da.nanmean(numbers, axis=(1, 2)).compute(scheduler="threads")]


def _agree(told: Any, means: Any) -> bool:
    return all(abs(a - b) <= 1 + NEAR * abs(a) for a, b in zip(told, means, strict=True))


def _listed(values: Any) -> str:
    return ", ".join(f"{value:.1f}" for value in values)
