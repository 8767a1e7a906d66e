"""What stored numbers mean, written into items of catalogues that leave it out: each item carries its own rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from geodes_datalab._types import Json
from geodes_datalab.stac.readers import baseline

_LONGEST = 3.0
"""Micrometres: bands of longer waves measure what is emitted."""


@dataclass(frozen=True)
class Rule:
    """How stored numbers become reflectance: stored * scale + offset."""

    scale: float
    offset: float = 0.0
    since: str = ""
    """Processing baseline of Sentinel-2 from which on the offset holds; empty: it always does."""


def explained(item: Json, rule: Rule | None) -> Json:
    """Return an item that tells scale and offset of its reflectances; what it tells itself stays.

    Parameters
    ----------
    item
        Normalised item; it is not changed.
    rule
        Of its catalogue and collection. Where it depends on a baseline that the item does not tell, nothing is said.

    Examples
    --------
    >>> red = {"href": "https://a.example/B04.tif", "eo:bands": [{"name": "B04", "center_wavelength": 0.665}]}
    >>> item = {"properties": {"s2:processing_baseline": "05.11"}, "assets": {"B04": red}}
    >>> explained(item, Rule(0.0001, -0.1, "04.00"))["assets"]["B04"]["raster:offset"]
    -0.1
    """
    if rule is None:
        return item
    made = baseline(item) if rule.since else ""
    if rule.since and not made:
        return item
    offset = rule.offset if made >= rule.since else 0.0
    told = {"raster:scale": rule.scale, "raster:offset": offset}
    assets = {
        key: {**asset, **told} if _is_silent(asset) else asset
        for key, asset in (item.get("assets") or {}).items()
    }
    return {**item, "assets": assets}


def _is_silent(asset: Json) -> bool:
    """Tell whether an asset is one band of reflectance, and does not say what its numbers mean."""
    bands = asset.get("bands") or asset.get("eo:bands") or []
    if len(bands) != 1 or "data" not in (asset.get("roles") or ["data"]):
        return False
    waves = (bands[0].get(name) for name in ("center_wavelength", "eo:center_wavelength"))
    places: list[Mapping[str, object]] = [asset, bands[0], *(asset.get("raster:bands") or ())]
    said = any(place.get(name) is not None for place in places for name in _NAMES)
    return not said and any(0 < float(wave or 0) < _LONGEST for wave in waves)


_NAMES = ("scale", "offset", "raster:scale", "raster:offset")
