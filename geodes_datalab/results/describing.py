"""What an item says of its files: STAC 1.1, with what CF attributes tell of the numbers."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import xarray as xr
from odc.geo import CRS
from odc.geo.geobox import GeoBox

from geodes_datalab._types import Json
from geodes_datalab.errors import PublishError
from geodes_datalab.ops.packing import is_mask, physical_attrs
from geodes_datalab.results.inputs import Inputs
from geodes_datalab.results.pieces import Piece, layout_of
from geodes_datalab.saving.meaning import meaning
from geodes_datalab.stac.items.extensions import declared

COG = "image/tiff; application=geotiff; profile=cloud-optimized"
GEOTIFF = "image/tiff; application=geotiff"
CONTENT = "geodes_datalab:content"
OWNER, VISIBILITY = "geodes_datalab:owner", "geodes_datalab:visibility"

_SCHEMAS = "https://stac-extensions.github.io"
_RASTER = f"{_SCHEMAS}/raster/v2.0.0/schema.json"
_CLASSES = f"{_SCHEMAS}/classification/v2.0.0/schema.json"
_OF_THIS_RUN = ("published", "processing:software", VISIBILITY, CONTENT)
"""What may differ when the same is published again, or is shown to others later."""


@dataclass(frozen=True)
class Facts:
    """What is the same in all items of a publication."""

    collection: str
    title: str
    licence: str
    owner: str
    visibility: str
    software: Mapping[str, str]
    published: str
    inputs: Inputs = field(default_factory=Inputs)
    description: str = ""
    lineage: str = ""
    citation: str = ""


def item_of(piece: Piece, facts: Facts) -> Json:
    """Return the item of a piece, whose files are not written yet: without addresses, sizes and checksums."""
    grids: dict[str, GeoBox] = {}
    assets: dict[str, Json] = {}
    for key, part in piece.parts.items():
        one = _of_file(key, part) if isinstance(part, Path) else _of_variable(key, part)
        grids[key], assets[key] = one
    grid = next(iter(grids.values()))
    item: Json = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": piece.id,
        "collection": facts.collection,
        **_place(grid),
        "properties": {**_properties(piece, facts), **_projection(grid)},
        "links": facts.inputs.during(piece.when).links(),
        "assets": assets,
    }
    used = [_RASTER]
    if any("classification:classes" in band for one in assets.values() for band in one["bands"]):
        used.append(_CLASSES)
    item["assets"] = {
        key: {**one, "href": "", "file:size": 0, "file:checksum": ""} for key, one in assets.items()
    }
    item["stac_extensions"] = declared(item, used)
    item["assets"] = assets
    return item


def fingerprint(item: Json) -> str:
    """Return what tells an item from others of the same id: of its metadata and the checksums of its files.

    Examples
    --------
    >>> one = {"properties": {"published": "2024-05-03T00:00:00Z"}, "assets": {}}
    >>> other = {"properties": {"published": "2025-05-03T00:00:00Z"}, "assets": {}}
    >>> fingerprint(one) == fingerprint(other)
    True
    """
    kept = {name: one for name, one in item["properties"].items() if name not in _OF_THIS_RUN}
    assets = {
        key: {name: value for name, value in one.items() if name != "href"}
        for key, one in item["assets"].items()
    }
    text = json.dumps({**item, "properties": kept, "assets": assets}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _properties(piece: Piece, facts: Facts) -> Json:
    first, last = piece.when
    span = {} if first == last else {"start_datetime": first, "end_datetime": last}
    told = {
        "description": facts.description,
        "sci:citation": facts.citation,
        "processing:lineage": facts.lineage or facts.inputs.during(piece.when).lineage(),
    }
    return {
        "title": f"{facts.title}, {first[:10]}",
        "datetime": first,
        **span,
        "published": facts.published,
        "license": facts.licence,
        **{name: text for name, text in told.items() if text},
        "processing:software": dict(facts.software),
        OWNER: facts.owner,
        VISIBILITY: facts.visibility,
    }


def _place(grid: GeoBox) -> Json:
    """Return the footprint, in degrees, and the box around it; two parts across the antimeridian."""
    shape = grid.footprint("EPSG:4326", npoints=8, wrapdateline=True)
    geometry = json.loads(json.dumps(shape.geojson()["geometry"]), parse_float=_rounded)
    parts = list(getattr(shape.geom, "geoms", [shape.geom]))
    boxes = sorted(part.bounds for part in parts)
    box = [min(one[0] for one in boxes), min(one[1] for one in boxes)]
    box += [max(one[2] for one in boxes), max(one[3] for one in boxes)]
    if len(boxes) > 1 and boxes[0][0] <= -180 and boxes[-1][2] >= 180:
        box[0], box[2] = boxes[-1][0], boxes[0][2]
    return {"geometry": geometry, "bbox": [round(side, 7) for side in box]}


def _rounded(text: str) -> float:
    return round(float(text), 7)


def _projection(grid: GeoBox) -> Json:
    assert grid.crs is not None
    epsg = grid.crs.to_epsg()
    code = (
        {"proj:code": f"EPSG:{epsg}"}
        if epsg
        else {"proj:code": None, "proj:wkt2": grid.crs.to_wkt()}
    )
    left, bottom, right, top = grid.boundingbox
    size = {"gsd": abs(float(grid.resolution.x))} if grid.crs.projected else {}
    return {
        **code,
        "proj:shape": [int(side) for side in grid.shape],
        "proj:transform": [float(number) for number in grid.transform],
        "proj:bbox": [float(left), float(bottom), float(right), float(top)],
        **size,
    }


def _of_variable(key: str, part: xr.Dataset) -> tuple[GeoBox, Json]:
    """Return the grid of a variable, and what its asset says; nothing is computed."""
    lies, array = layout_of(part), part[key]
    means, attrs = meaning(array), physical_attrs(array.attrs)
    told: Json = {
        "name": key,
        "data_type": lies.dtype,
        **_nodata(lies.nodata),
        **_texts(
            attrs, {"units": "unit", "long_name": "description", "common_name": "eo:common_name"}
        ),
        **_classes(array),
    }
    shift = float(np.nan_to_num(getattr(means.offset, "values", means.offset)))
    if (means.scale, shift) != (1.0, 0.0):
        told |= {"raster:scale": means.scale, "raster:offset": shift}
    mask = is_mask(array) or array.dtype.kind == "b"
    roles = ["data", "data-mask"] if mask else ["data"]
    title = str(attrs.get("long_name") or key)
    bands = (
        [told]
        if len(lies.bands) == 1
        else [{**told, "name": f"{key}_{at}"} for at in range(1, len(lies.bands) + 1)]
    )
    return lies.grid, {"title": title, "type": COG, "roles": roles, "bands": bands}


def _of_file(key: str, path: Path) -> tuple[GeoBox, Json]:
    """Return the grid of a file that another program wrote, and what its asset says: its header tells."""
    with rasterio.open(path) as file:
        if file.crs is None:
            raise PublishError(
                f"{path} has no CRS: nobody would find it on a map", "write it with its CRS"
            )
        grid = GeoBox(file.shape, file.transform, CRS(file.crs.to_wkt()))
        bands = [_of_band(file, key, at) for at in range(1, file.count + 1)]
        cog = file.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") == "COG"
    return grid, {"title": key, "type": COG if cog else GEOTIFF, "roles": ["data"], "bands": bands}


def _of_band(file: Any, key: str, at: int) -> Json:
    name = file.descriptions[at - 1] or (key if file.count == 1 else str(at))
    scale, shift = float(file.scales[at - 1]), float(file.offsets[at - 1])
    packed = {} if (scale, shift) == (1.0, 0.0) else {"raster:scale": scale, "raster:offset": shift}
    unit = {"unit": file.units[at - 1]} if file.units[at - 1] else {}
    return {
        "name": name,
        "data_type": file.dtypes[at - 1],
        **_nodata(file.nodatavals[at - 1]),
        **unit,
        **packed,
    }


def _nodata(value: float | None) -> Json:
    """Return the mark of what is missing: STAC writes "nan" as a text."""
    if value is None:
        return {}
    if not math.isfinite(value):
        return {"nodata": "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"}
    return {"nodata": int(value) if float(value).is_integer() else float(value)}


def _texts(attrs: Mapping[str, Any], names: Mapping[str, str]) -> Json:
    return {new: str(attrs[old]) for old, new in names.items() if attrs.get(old)}


def _classes(array: xr.DataArray) -> Json:
    """Return the classes that CF's flags tell of; none where they are bits."""
    values = np.atleast_1d(array.attrs.get("flag_values", []))
    words = str(array.attrs.get("flag_meanings", "")).split()
    if "flag_masks" in array.attrs or len(values) != len(words) or not words:
        return {}
    told = [{"value": int(one), "name": word} for one, word in zip(values, words, strict=True)]
    return {"classification:classes": told}
