"""Pixel grids: footprints in degrees, and the MGRS square a corner lies in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

COLUMNS = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")
ROWS = "ABCDEFGHJKLMNPQRSTUV"
BANDS = "CDEFGHJKLMNPQRSTUVWX"


@dataclass(frozen=True)
class Grid:
    """A north-up raster grid in a UTM zone.

    Coordinates are metres; ``x``, ``y`` are the upper-left corner of the upper-left pixel.
    """

    epsg: int
    x: float
    y: float
    gsd: float
    width: int
    height: int

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """Affine coefficients in the order of STAC's ``proj:transform``."""
        return (self.gsd, 0.0, self.x, 0.0, -self.gsd, self.y)

    @property
    def code(self) -> str:
        """CRS as ``EPSG:n``."""
        return f"EPSG:{self.epsg}"

    def at(self, gsd: float) -> Grid:
        """Return the grid of the same corner at another resolution, covering at least this one."""
        width = -int(-self.width * self.gsd // gsd)
        height = -int(-self.height * self.gsd // gsd)
        return Grid(self.epsg, self.x, self.y, gsd, width, height)

    def properties(self) -> dict[str, Any]:
        """Return the projection fields, explicit because the sample is a crop of its tile."""
        return {
            "proj:code": self.code,
            "proj:shape": [self.height, self.width],
            "proj:transform": list(self.transform),
        }

    def footprint(self) -> dict[str, Any]:
        """Return the outline as a GeoJSON polygon (degrees, counter-clockwise, closed)."""
        from pyproj import Transformer

        to_degrees = Transformer.from_crs(self.epsg, 4326, always_xy=True)
        right, bottom = self.x + self.width * self.gsd, self.y - self.height * self.gsd
        corners = [(self.x, self.y), (self.x, bottom), (right, bottom), (right, self.y)]
        ring = [[round(value, 9) for value in to_degrees.transform(*xy)] for xy in corners]
        return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}

    def square(self) -> str:
        """Return the MGRS 100 km square of the crop's centre, such as ``19GFG``."""
        centre_x = self.x + self.width * self.gsd / 2
        centre_y = self.y - self.height * self.gsd / 2
        lat = sum(point[1] for point in self.footprint()["coordinates"][0][:4]) / 4
        return mgrs_square(self.epsg % 100, lat, centre_x, centre_y)


def mgrs_square(zone: int, lat: float, easting: float, northing: float) -> str:
    """Return the MGRS 100 km square of a UTM coordinate, even outside of the zone's own strip.

    Parameters
    ----------
    zone
        UTM zone, 1 to 60.
    lat
        Latitude in degrees, which gives the band letter.
    easting, northing
        Metres in the zone; the southern hemisphere counts from 10,000 km.
    """
    column = COLUMNS[(zone - 1) % 3][int(easting // 100_000) - 1]
    row = ROWS[(int(northing // 100_000) + (0 if zone % 2 else 5)) % 20]
    return f"{zone:02d}{BANDS[min(int((lat + 80) // 8), 19)]}{column}{row}"


def bbox(geometry: dict[str, Any]) -> list[float]:
    """Return west, south, east, north of a GeoJSON polygon."""
    longitudes = [point[0] for point in geometry["coordinates"][0]]
    latitudes = [point[1] for point in geometry["coordinates"][0]]
    return [min(longitudes), min(latitudes), max(longitudes), max(latitudes)]
