"""Kinds of products: which form the files have, and what comes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

Layout: TypeAlias = Literal["map", "grid", "sensor", "swath", "points", "features", "harmonics"]
"""Where the values of a product lie.

``map``: on a map grid, of which windows are read; ``grid``: on a map grid, opened product by product;
``sensor``: as the instrument saw them; ``swath``: along a satellite's path, each value with its place;
``points``: single places; ``features``: shapes with properties; ``harmonics``: coefficients of the whole globe.
"""

Status: TypeAlias = Literal["confirmed", "documented", "provisional"]
"""How sure a description is.

``confirmed``: products of the portal were seen, or lists of their files; ``documented``: by the producer's
guide; ``provisional``: no format is public yet.
"""

KINDS: Mapping[str, Layout] = {
    "zip": "map",
    "file": "map",
    "asset": "map",
    "netcdf-grid": "grid",
    "hdf-grid": "grid",
    "gravity-grid": "grid",
    "insar-stack": "grid",
    "dimap1": "sensor",
    "dimap2": "sensor",
    "safe-sar": "sensor",
    "netcdf-swath": "swath",
    "netcdf-points": "points",
    "vector": "features",
    "harmonics": "harmonics",
}
"""Kind of the files -> where their values lie, where a descriptor does not tell otherwise."""

LIES: Mapping[str, str] = {
    "map": "on a map",
    "grid": "on a map",
    "sensor": "in the geometry of the sensor",
    "swath": "along the satellite's path",
    "points": "at single places",
    "features": "in shapes with properties",
    "harmonics": "in coefficients of the whole globe",
}

VERBS: Mapping[str, tuple[str, ...]] = {
    "map": ("load",),
    "grid": ("load", "open"),
    "sensor": ("open",),
    "swath": ("open", "load"),
    "points": ("open", "load"),
    "features": ("open",),
    "harmonics": ("open",),
}
"""Layout -> verbs that read it, the usual one first; ``load`` of paths and points needs a pixel size."""

_OPEN = "open a product as it is with geodes_datalab.open(item)"
_BINNED = f"{_OPEN}, or give resolution= (and crs=): the values are averaged in its pixels"
INSTEAD: Mapping[str, str] = {
    "map": "",
    "grid": "",
    "sensor": _OPEN,
    "swath": _BINNED,
    "points": _BINNED,
    "features": f"{_OPEN}: a GeoDataFrame",
    "harmonics": f"{_OPEN}: coefficients by degree and order",
}
"""What to do with products of which `load` makes no cube."""
