"""The two places of the Sentinel-2 samples: one was seen by the satellite, one is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SIMULATED_NOTE = (
    "SIMULATED DATE: one real Sentinel-2 crop (source: xarray-spatial, contains modified "
    "Copernicus Sentinel data) with a simulated season and simulated clouds."
)
SURFACE_NOTE = (
    "SIMULATED surface reflectance: haze taken off the L1C sample; masks describe the simulated "
    "clouds. It is no MAJA product."
)
DRAWN_NOTE = (
    "SIMULATED PLACE: fields, crops, river, village and clouds are drawn by a program. Nothing in it is a "
    "measurement, and the real ground at these coordinates looks different."
)
DRAWN_SURFACE_NOTE = "It is no MAJA product: masks describe the simulated clouds."


@dataclass(frozen=True)
class Place:
    """What the products of a place tell about it."""

    political: dict[str, Any]
    """Continent and country, as the catalogue tells them."""
    continent: str
    relative_orbit: int
    southern: bool
    """Whether it lies south of the equator, which turns the seasons."""
    simulated_note: str
    """What a user must know of its simulated dates."""
    surface_note: str
    """What a user must know of its surface reflectance."""


PATAGONIA = Place(
    political={
        "continents": [
            {
                "id": "continent:SouthAmerica:6255150",
                "name": "South America",
                "countries": [
                    {"id": "country:Argentina:3865483", "name": "Argentina", "pcover": 100}
                ],
            }
        ]
    },
    continent="SA",
    relative_orbit=10,
    southern=True,
    simulated_note=SIMULATED_NOTE,
    surface_note=SURFACE_NOTE,
)

TOULOUSE = Place(
    political={
        "continents": [
            {
                "id": "continent:Europe:6255148",
                "name": "Europe",
                "countries": [{"id": "country:France:3017382", "name": "France", "pcover": 100}],
            }
        ]
    },
    continent="EU",
    relative_orbit=51,
    southern=False,
    simulated_note=DRAWN_NOTE,
    surface_note=DRAWN_SURFACE_NOTE,
)
