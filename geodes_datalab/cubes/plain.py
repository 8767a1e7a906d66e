"""Descriptors for items of collections that have none: each image asset is a band."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from geodes_datalab import stac
from geodes_datalab._types import Json
from geodes_datalab.cubes.values import number
from geodes_datalab.errors import UnknownCollection

_IMAGES = ("image/tiff", "image/jp2", "image/vnd.stac.geotiff", "image/x.geotiff")
_MASKS = ("cloud", "cloud-shadow", "data-mask", "land-water", "snow-ice", "water-mask", "quality")
_CLASSES = ("classes", "bitfields")
_CLASS_MAPS = ("scl", "qa", "fmask")
"""Assets that are known by these names hold classes, whether or not the item lists them."""


def plain_reader(items: Sequence[Json], error: UnknownCollection) -> stac.Reader:
    """Describe a collection by its items: what any STAC catalogue with a file for each band serves.

    Parameters
    ----------
    items
        Item dictionaries. Fields of the raster, eo and projection extensions are used, in their
        older (``raster:bands``, ``eo:bands``) and newer (``bands``) spelling.
    error
        Raised if the items have no image assets.
    """
    bands: dict[str, stac.Band] = {}
    for item in items:
        assets = item.get("assets") or {}
        for key in [] if assets.keys() <= bands.keys() else assets:
            if key not in bands and _is_image(assets[key]):
                bands[key] = _band(key, assets[key], item.get("properties") or {})
    if not bands:
        raise error
    collection = str(items[0].get("collection") or "")
    return stac.Reader(collection, "asset", tuple(bands.values()))


def _is_image(asset: Json) -> bool:
    kind = str(asset.get("type") or "").split(";")[0].strip().lower()
    named = str(asset.get("href") or "").partition("?")[0].lower()
    image = kind in _IMAGES or (not kind and named.endswith((".tif", ".tiff", ".jp2")))
    roles = asset.get("roles") or ["data"]
    return image and not {"overview", "thumbnail", "visual"} & set(roles)


def _classified(key: str, asset: Json) -> bool:
    """Tell whether the numbers are classes or bits, which no scale makes physical."""
    described = [asset, *(asset.get("bands") or ()), *(asset.get("raster:bands") or ())]
    told = any(one.get(f"classification:{kind}") for one in described for kind in _CLASSES)
    return told or key.partition("_")[0].casefold() in _CLASS_MAPS


def _band(key: str, asset: Json, properties: Json) -> stac.Band:
    def told(name: str, *older: str, default: Any = None) -> Any:
        """Look for a field in the band, in the asset, in the item."""
        first = (asset.get("bands") or [{}])[0]
        raster, eo = ((asset.get(f"{kind}:bands") or [{}])[0] for kind in ("raster", "eo"))
        for place in (first, asset, raster, eo, properties):
            for spelling in (name, *older):
                if place.get(spelling) is not None:
                    return place[spelling]
        return default

    mask = set(asset.get("roles") or ()) & set(_MASKS) or _classified(key, asset)
    return stac.Band(
        name=key,
        gsd=number(told("raster:spatial_resolution", "spatial_resolution", "gsd")) or 0.0,
        dtype=str(told("data_type", default="")),
        member="",
        common_name=told("eo:common_name", "common_name"),
        wavelength=told("eo:center_wavelength", "center_wavelength"),
        width=told("eo:full_width_half_max", "full_width_half_max"),
        scale=number(told("raster:scale", "scale")) or 1.0,
        offset=number(told("raster:offset", "offset")) or 0.0,
        nodata=number(told("nodata", "raster:nodata")),
        units=str(told("unit", default="1")),
        description=str(asset.get("title") or key),
        role="mask" if mask else "data",
    )
