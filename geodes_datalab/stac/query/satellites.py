"""Satellites under the names that products, STAC and the portal give them."""

from __future__ import annotations

import re
from functools import cache

_SENTINEL = re.compile(r"(?:S|SENTINEL[-_ ]*)0?(\d)[-_ ]?([A-D]?)X?", re.IGNORECASE)
_NUMBERED = re.compile(r"(SPOT|LANDSAT|ADEOS|METOP|PLEIADES)[-_ ]*0?([0-9A-Z]{1,2})", re.IGNORECASE)
_OTHERS = {"VM1": "venus", "VM5": "venus", "P1A": "pleiades-1a", "P1B": "pleiades-1b"}
_CONSTELLATION = re.compile(r"sentinel-\d|spot|landsat|pleiades|adeos|metop")


@cache
def stac_platform(name: str) -> str:
    """Return STAC's name of a satellite.

    Examples
    --------
    >>> [stac_platform(name) for name in ("S2A", "Sentinel-2B", "S1X", "LANDSAT_8", "SPOT4", "VM5")]
    ['sentinel-2a', 'sentinel-2b', 'sentinel-1', 'landsat-8', 'spot-4', 'venus']
    """
    text = name.strip()
    match = _SENTINEL.fullmatch(text)
    if match:
        return f"sentinel-{match.group(1)}{match.group(2).lower()}"
    match = _NUMBERED.fullmatch(text)
    if match:
        return f"{match.group(1)}-{match.group(2)}".lower()
    return _OTHERS.get(text.upper()) or text.lower().replace(" ", "-").replace("_", "-")


def constellation(platform: str) -> str | None:
    """Return the constellation of a satellite, given by its STAC name.

    Examples
    --------
    >>> constellation("sentinel-2a"), constellation("spot-4"), constellation("venus")
    ('sentinel-2', 'spot', None)
    """
    match = _CONSTELLATION.match(platform)
    return match.group() if match else None


def stac_constellation(name: str) -> str:
    """Return STAC's name of a constellation.

    Examples
    --------
    >>> [stac_constellation(name) for name in ("Sentinel 2", "SENTINEL-1", "sentinel2", "Landsat")]
    ['sentinel-2', 'sentinel-1', 'sentinel-2', 'landsat']
    """
    text = "-".join(name.strip().lower().replace("_", " ").replace("-", " ").split())
    return re.sub(r"^sentinel(\d)", r"sentinel-\1", text)


def product_platforms(name: str) -> list[str]:
    """Return the names under which the portal's collections know a satellite.

    Examples
    --------
    >>> product_platforms("sentinel-2a"), product_platforms("S1C"), product_platforms("spot-4")
    (['S2A', 'SENTINEL2A'], ['S1C', 'SENTINEL1C'], ['SPOT4'])
    """
    text = name.strip()
    match = _SENTINEL.fullmatch(text)
    if match:
        short = match.group(1) + match.group(2).upper()
        return [f"S{short}", f"SENTINEL{short}"]
    match = _NUMBERED.fullmatch(text)
    return [(match.group(1) + match.group(2)).upper()] if match else [text]
