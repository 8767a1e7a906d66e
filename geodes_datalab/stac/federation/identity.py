"""Which product an item is, whatever catalogue describes it: told by names, which missions build by rules.

Catalogues shorten names, each in its own way: one leaves the baseline out, another the checksum at the end, a third has
ids of its own and the name in a property. What no rule knows is the same as nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from geodes_datalab._types import Json


class Identity(NamedTuple):
    """What an item is."""

    product: str
    """Alike in all copies of one product, and in no other product but its versions."""
    scene: str
    """Alike in all products of one acquisition by one processor: whatever is made again of it."""
    version: str = ""
    """Of the processing: a baseline, a checksum, a date; empty where the name does not tell."""
    strip: str = ""
    """When the datastrip begins, where that is told: two parts of a tile differ in that."""

    def is_same_product(self, other: Identity) -> bool:
        """Tell whether two items describe one product: a version that one does not tell is no difference.

        Examples
        --------
        >>> full = named("S2B_MSIL2A_20220101T105339_N0301_R051_T31TCJ_20220101T130000")
        >>> short = named("S2B_MSIL2A_20220101T105339_R051_T31TCJ_20220101T130000")
        >>> full.is_same_product(short)
        True
        """
        if self.product != other.product:
            return False
        return not (self.version and other.version) or self.version == other.version

    def may_be_same_scene(self, other: Identity) -> bool:
        """Tell whether two items are of one acquisition, as far as both tell."""
        if self.scene != other.scene:
            return False
        return not (self.strip and other.strip) or self.strip == other.strip


_ENDINGS = re.compile(r"(\.SAFE|\.ZIP|\.SEN3|\.TIF|\.TAR|\.ZARR)+$")
_STRIP = re.compile(r"_S(\d{8}T\d{6})")
_TOLD = ("s2:product_uri", "sentinel:product_id", "identifier", "title")
"""Properties that hold the product's own name, where the id does not."""

_SENTINEL2 = re.compile(
    r"(S2[A-D])_MSI(L\w\w)_(\d{8}T\d{6})(?:_N(\d{4}))?_R(\d{3})_T(\w{5})_(\d{8}T\d{6})$"
)
_MAJA = re.compile(r"SENTINEL2([A-D])_(\d{8}-\d{6}-\d{3})_(L2A|L2B-\w+)_T(\w{5})_[A-Z]_V(\d+-\d+)$")
_SENTINEL1 = re.compile(
    r"(S1[A-D]_\w\w_\w{4}_\w{4}_\d{8}T\d{6}_\d{8}T\d{6}_\d{6}_[0-9A-F]{6})"
    r"(?:_([0-9A-F]{4}))?(_COG)?(_RTC)?$"
)
_LANDSAT = re.compile(
    r"(L[A-Z]\d\d_L\d\w\w)_(\d{6})_(\d{8})_(?:(\d{8})_)?(\d\d)_(\w\w)(?:_(?:SR|ST))?$"
)
_DEM = re.compile(r"COPERNICUS_DSM_(?:COG_)?(\d\d)_([NS]\d\d)_00_([EW]\d{3})_00(?:_DEM)?$")


def identity(item: Json) -> Identity | None:
    """Return which product an item is; None where no rule knows its names.

    Parameters
    ----------
    item
        Item as a dictionary, as served or normalised.

    Examples
    --------
    >>> uri = "S2A_MSIL2A_20200714T112121_N0214_R037_T28QCH_20200714T135443.SAFE"
    >>> item = {"id": "S2A_28QCH_20200714_0_L2A", "properties": {"s2:product_uri": uri}}
    >>> identity(item).version
    '0214'
    """
    properties = item.get("properties") or {}
    for text in (*(properties.get(name) for name in _TOLD), item.get("id")):
        if text and (result := named(str(text))):
            strip = _STRIP.search(
                str(properties.get("s2:datastrip_id") or properties.get("eopf:datastrip_id") or "")
            )
            return result._replace(strip=strip.group(1)) if strip else result
    return None


def named(name: str) -> Identity | None:
    """Return which product a name is of; None where no rule knows it.

    Examples
    --------
    >>> one = named("S1A_IW_GRDH_1SDV_20240101T054321_20240101T054348_051900_064ABC_1F2E.SAFE")
    >>> other = named("S1A_IW_GRDH_1SDV_20240101T054321_20240101T054348_051900_064ABC_rtc")
    >>> one.version, one.scene == other.scene  # corrected for terrain, it is another product
    ('1F2E', False)
    """
    text = _ENDINGS.sub("", name.strip().upper().removesuffix(" (SIMULATED)"))
    for pattern, read in _RULES:
        if match := pattern.match(text):
            return read([part or "" for part in match.groups()])
    return None


def _sentinel2(parts: Sequence[str]) -> Identity:
    satellite, level, sensed, baseline, orbit, tile, made = parts
    scene = f"{satellite}_MSI{level}_{sensed}_R{orbit}_T{tile}"
    return Identity(f"{scene}_{made}", scene, baseline)


def _maja(parts: Sequence[str]) -> Identity:
    satellite, sensed, level, tile, version = parts
    scene = f"S2{satellite}_MAJA_{level}_{sensed}_T{tile}"
    return Identity(scene, scene, version)


def _sentinel1(parts: Sequence[str]) -> Identity:
    take, checksum, cog, corrected = parts
    scene = take + corrected
    return Identity(scene, scene, "" if cog else checksum)


def _landsat(parts: Sequence[str]) -> Identity:
    kind, place, sensed, made, collection, tier = parts
    scene = f"{kind}_{place}_{sensed}_{collection}"
    return Identity(f"{scene}_{tier}", scene, made)


def _dem(parts: Sequence[str]) -> Identity:
    step, latitude, longitude = parts
    tile = f"COPERNICUS_DSM_{step}_{latitude}_{longitude}"
    return Identity(tile, tile)


_RULES = (
    (_SENTINEL2, _sentinel2),
    (_MAJA, _maja),
    (_SENTINEL1, _sentinel1),
    (_LANDSAT, _landsat),
    (_DEM, _dem),
)
