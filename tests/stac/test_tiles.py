from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import mgrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodes_datalab.stac.items.tiles import corner, projection


def test_corners_agree_with_the_published_list(recorded: Callable[[str], dict[str, Any]]) -> None:
    tiles = recorded("tiles.json")["tiles"]
    assert len(tiles) == 66
    assert {name: list(corner(name) or ()) for name, *_ in tiles} == {
        name: rest for name, *rest in tiles
    }


@given(
    st.integers(1, 60),
    st.floats(-79.5, 83.5, allow_nan=False),
    st.floats(0.1, 5.9, allow_nan=False),
)
def test_corners_agree_with_the_mgrs_package(zone: int, latitude: float, east: float) -> None:
    """The square of any place, named by the package, gives the package's own corner."""
    library = mgrs.MGRS()
    name = library.toMGRS(latitude, -186 + 6 * zone + east, MGRSPrecision=0)
    name = name if isinstance(name, str) else name.decode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # its corner may lie in the next band
        _, hemisphere, easting, northing = library.MGRSToUTM(name + "0000000000")
    found = corner(name)
    assert found is not None
    assert 0 <= easting - found.x < 61
    assert 0 <= found.y - (northing // 100_000 * 100_000 + 100_000) < 60
    assert found.epsg // 100 == (326 if hemisphere == "N" else 327)


def test_projection_fields() -> None:
    assert projection("T31TCJ", 10) == {
        "proj:code": "EPSG:32631",
        "proj:bbox": [300000, 4790220, 409800, 4900020],
        "proj:shape": [10980, 10980],
        "proj:transform": [10, 0, 300000, 0, -10, 4900020],
    }
    assert projection("19GFG", 60)["proj:shape"] == [1830, 1830]


@pytest.mark.parametrize("code", ["SPOTGRS-553_212", "", "99TCH", "31TIH", "31TZH", "OSO"])
def test_other_grids_have_no_corner(code: str) -> None:
    assert corner(code) is None
    assert projection(code, 10) == {}
