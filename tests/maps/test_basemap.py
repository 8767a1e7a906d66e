"""The map under everything: land where it is, and no lines through the world."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import shapely
from shapely.geometry import shape

from geodes_datalab.maps import basemap


@pytest.fixture(scope="module")
def kinds() -> dict[str, Any]:
    return {
        feature["properties"]["kind"]: shape(feature["geometry"])
        for feature in basemap._natural_earth()
    }


@pytest.mark.parametrize("kind", ["land", "border"])
def test_no_line_runs_through_the_world(kinds: dict[str, Any], kind: str) -> None:
    lines = shapely.get_parts(kinds[kind].boundary if kind == "land" else kinds[kind])
    longest = max(abs(a[0] - b[0]) for line in lines for a, b in pairwise(line.coords))
    assert longest <= 20
    assert kinds[kind].is_valid


@pytest.mark.parametrize(
    ("place", "longitude", "latitude", "is_land"),
    [
        ("Viti Levu", 178.0, -17.8, True),
        ("the same from the other side", -182.0, -17.8, True),
        ("Vanua Levu", 179.3, -16.6, True),
        ("Chukotka, west", 179.0, 67.5, True),
        ("Chukotka, east", -175.0, 66.5, True),
        ("Chukotka, seen from Asia", 185.0, 66.5, True),
        ("Wrangel Island", -179.5, 71.1, True),
        ("Antarctica", 0.0, -85.0, True),
        ("Alaska, seen from Asia", 205.0, 65.0, True),
        ("Atlantic", -20.0, -16.5, False),
        ("Indian Ocean", 80.0, -16.52, False),
        ("Arctic Ocean", 0.0, 71.3, False),
        ("Pacific", 180.0, 0.0, False),
    ],
)
def test_land_is_land_on_both_sides_of_the_antimeridian(
    kinds: dict[str, Any], place: str, longitude: float, latitude: float, is_land: bool
) -> None:
    assert kinds["land"].contains(shapely.Point(longitude, latitude)) is is_land, place


def test_the_antimeridian_is_no_coast(kinds: dict[str, Any]) -> None:
    coast = kinds["land"].boundary.intersection(shapely.LineString([(180, -80), (180, 80)]))
    assert coast.length < 0.1  # crossed at points, never followed
