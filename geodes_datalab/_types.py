"""Names for the shapes of data that travel between the packages."""

from __future__ import annotations

from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
"""A JSON object."""

BBox: TypeAlias = tuple[float, float, float, float]
"""West, south, east, north in degrees (EPSG:4326); west > east means across the antimeridian."""
