"""DIMAP version 2: Pleiades images as the sensor saw them, in tiles, with rational polynomials (RPC)."""

from __future__ import annotations

import glob
from typing import Any
from xml.etree.ElementTree import Element

import dask.array as da
import xarray as xr
from rasterio.rpc import RPC

from geodes_datalab._types import Json
from geodes_datalab.cubes.formats import dimap, images, sensor_places
from geodes_datalab.cubes.formats.dimap import Channel, Scene
from geodes_datalab.cubes.formats.files import ProductFiles
from geodes_datalab.cubes.formats.markup import root_of
from geodes_datalab.cubes.formats.registry import Wanted
from geodes_datalab.stac.readers import Reader

MOST = 10_000
"""Tiles of a product, at most."""

_CALIBRATION = ".//Instrument_Calibration/Band_Measurement_List"


def open_product(files: ProductFiles, reader: Reader, item: Json, wanted: Wanted) -> xr.Dataset:
    """Open an image; see `geodes_datalab.cubes.formats.registry.Opener`.

    All tiles that the metadata name are put together. Values are reflectance or radiance: see
    `geodes_datalab.cubes.formats.dimap.dataset`. Places are those of the polynomials at their mean height.
    """
    root = root_of(files, files.one("*/DIM_*.XML", "DIM_*.XML"))
    scene = _scene(files, root)
    pixels = _mosaic(files, scene)
    result = dimap.dataset(scene, pixels, dimap.chosen(files, scene, reader, wanted), reader)
    _, rows, columns = scene.shape
    rpc = polynomials(files)
    net = sensor_places.of_polynomials(rpc, rpc.height_off, rows, columns)
    comment = (
        f"by the product's polynomials (RPC) at {rpc.height_off:g} m above the ellipsoid everywhere: "
        "relief is not in it"
    )
    return sensor_places.located(result, net, comment)


def polynomials(files: ProductFiles) -> RPC:
    """Return the polynomials from ground to image; their pixels are counted from 0, as GDAL does."""
    root = root_of(files, files.one("*/RPC_*.XML", "RPC_*.XML"))
    inverse, valid = root.find(".//Inverse_Model"), root.find(".//RFM_Validity")
    if inverse is None or valid is None:
        raise files.changed("has no polynomials from ground to image in its RPC file")
    model, scale = inverse, valid

    def twenty(word: str) -> list[float]:
        return [dimap.needed(files, model, f"{word}_{index}") for index in range(1, 21)]

    def one(word: str) -> float:
        return dimap.needed(files, scale, word)

    return RPC(
        height_off=one("HEIGHT_OFF"), height_scale=one("HEIGHT_SCALE"),
        lat_off=one("LAT_OFF"), lat_scale=one("LAT_SCALE"),
        long_off=one("LONG_OFF"), long_scale=one("LONG_SCALE"),
        line_off=one("LINE_OFF") - 1, line_scale=one("LINE_SCALE"),
        samp_off=one("SAMP_OFF") - 1, samp_scale=one("SAMP_SCALE"),
        line_num_coeff=twenty("LINE_NUM_COEFF"), line_den_coeff=twenty("LINE_DEN_COEFF"),
        samp_num_coeff=twenty("SAMP_NUM_COEFF"), samp_den_coeff=twenty("SAMP_DEN_COEFF"),
    )  # fmt: skip


def _scene(files: ProductFiles, root: Element) -> Scene:
    version = root.find("Metadata_Identification/METADATA_FORMAT")
    told = "" if version is None else str(version.get("version", ""))
    if root.tag != "Dimap_Document" or not told.startswith("2"):
        raise files.changed(
            f"has metadata {root.tag} of version {told or '(none)'}; 2.0 to 2.15 are read"
        )
    values = root.findall(".//Located_Geometric_Values")
    middle = next((one for one in values if one.findtext("LOCATION_TYPE") == "Center"), None)
    middle = Element("none") if middle is None else middle
    return Scene(
        shape=dimap.shape(files, root),
        channels=_channels(files, root),
        corners=dimap.corners(root),
        tiles=_tiles(files, root),
        special=_special(root),
        elevation=dimap.number(middle, "Solar_Incidences/SUN_ELEVATION"),
        moment=dimap.moment((middle.findtext("TIME") or "").removesuffix("Z")),
    )


def _special(root: Element) -> dict[str, float]:
    result = {}
    for node in root.iter("Special_Value"):
        name = node.findtext("SPECIAL_VALUE_TEXT", "").strip().upper()
        value = dimap.number(node, "SPECIAL_VALUE_COUNT")
        if value is not None and name in ("NODATA", "SATURATED"):
            result[name] = value
    return result


def _tiles(files: ProductFiles, root: Element) -> dict[tuple[int, int], str]:
    result = {}
    for node in root.findall("Raster_Data/Data_Access/Data_Files/Data_File"):
        path = node.find("DATA_FILE_PATH")
        href = "" if path is None else str(path.get("href", ""))
        try:
            place = int(node.get("tile_R", 1)), int(node.get("tile_C", 1))
        except ValueError as error:
            raise files.changed("has metadata with tiles that are not numbered") from error
        result[place] = href.replace("\\", "/").rpartition("/")[2]
    rows, columns = (max((place[at] for place in result), default=0) for at in (0, 1))
    if not 0 < len(result) == rows * columns <= MOST:
        raise files.changed(f"has metadata with {len(result)} tiles, of which some have no place")
    return result


def _channels(files: ProductFiles, root: Element) -> tuple[Channel, ...]:
    """Return the bands in the order of the file: by its index where there is one, or by that of display."""
    order = [one.findtext("BAND_ID", "").strip() for one in sorted(
        root.iter("Raster_Index"), key=lambda one: dimap.needed(files, one, "BAND_INDEX")
    )]  # fmt: skip
    count = dimap.shape(files, root)[0]
    measured = {
        one.findtext("BAND_ID", "").strip(): one
        for one in root.findall(f"{_CALIBRATION}/Band_Radiance")
    }
    suns = {
        one.findtext("BAND_ID", "").strip(): dimap.number(one, "VALUE")
        for one in root.findall(f"{_CALIBRATION}/Band_Solar_Irradiance")
    }
    if not order and count == 1:
        order = list(measured)
    if len(order) != count or set(order) - set(measured):
        raise files.changed(
            f"has metadata that do not tell which of {count} bands is which (BAND_INDEX: {order})"
        )
    result = []
    for index, name in enumerate(order, 1):
        gain = dimap.needed(files, measured[name], "GAIN")
        if gain <= 0:
            raise files.changed(f"has metadata with the gain {gain:g} of band {name}")
        bias = dimap.number(measured[name], "BIAS") or 0.0
        result.append(Channel(index, name, gain, bias, suns.get(name)))
    return tuple(result)


def _mosaic(files: ProductFiles, scene: Scene) -> Any:
    """Put the tiles together, lazily; the headers tell how large each is."""
    rows, columns = max(scene.tiles)
    strips = []
    for row in range(1, rows + 1):
        parts = [_tile(files, scene.tiles[row, column]) for column in range(1, columns + 1)]
        if len({part.shape[:2] for part in parts}) > 1:
            raise files.changed(f"has tiles of several heights in row {row}")
        strips.append(da.concatenate(parts, axis=2))
    if len({(strip.shape[0], strip.shape[2]) for strip in strips}) > 1:
        raise files.changed("has rows of tiles that are not equally wide")
    result = da.concatenate(strips, axis=1)
    if result.shape != scene.shape:
        raise files.changed(f"has tiles of {result.shape} values, and metadata of {scene.shape}")
    return result


def _tile(files: ProductFiles, name: str) -> Any:
    image = files.one(f"*/{glob.escape(name)}", glob.escape(name))
    return images.lazy(files, image, images.header(files, image))
