"""Heights never pass for heights above another datum."""

from __future__ import annotations

import pyproj
import pytest
from odc.geo import CRS
from odc.geo.geobox import GeoBox

from geodes_datalab.cubes.grid.output import output_grid
from geodes_datalab.cubes.grid.vertical import spelt_out
from geodes_datalab.errors import CubeError

BOUNDS = (1.4, 43.5, 1.5, 43.6)


def tile(crs: str) -> GeoBox:
    return GeoBox.from_bbox(BOUNDS, CRS(spelt_out(crs)), resolution=0.001)


@pytest.mark.parametrize(
    ("crs", "datum"),
    [
        ("EPSG:9518", "EGM2008"),
        ("EPSG:4326+3855", "EGM2008"),
        (" epsg:4326+5773", "EGM96"),
        ("EPSG:4979", "ellipsoid"),
        ("EPSG:4326+5720", "EPSG:5720"),
    ],
)
def test_load_takes_no_crs_with_heights(crs: str, datum: str) -> None:
    others = ["EPSG:4326+3855" if datum != "EGM2008" else "EPSG:4326+5773"]
    for own in [*others, *(["EPSG:4326"] if datum != "ellipsoid" else [])]:
        with pytest.raises(CubeError, match=f"heights above {datum}, and load leaves") as caught:
            output_grid([tile(own)], crs=crs)
        assert f'to_vertical_datum(dem, "{datum}")' in str(caught.value.hint)


@pytest.mark.parametrize(
    "crs",
    [
        "+proj=longlat +datum=WGS84 +geoidgrids=none.gtx +vunits=m +type=crs",
        pyproj.CRS("EPSG:4230").to_3d().to_wkt(),
    ],
    ids=["geoid", "ED50"],
)
def test_load_takes_no_crs_with_heights_above_what_has_no_code(crs: str) -> None:
    for own in ("EPSG:4326", "EPSG:4326+3855"):
        with pytest.raises(CubeError, match=r"heights above a datum that has no code: \w+"):
            output_grid([tile(own)], crs=crs)


def test_heights_of_several_datums_are_not_mixed() -> None:
    both = [tile("EPSG:4326+3855"), tile("EPSG:4326+5773")]
    for crs in ("EPSG:4326", "EPSG:4326+3855"):
        with pytest.raises(CubeError, match="above EGM2008 and EGM96: one cube would mix them"):
            output_grid(both, crs=crs)


def test_heights_stay_in_their_own_datum() -> None:
    dem, picture = tile("EPSG:4326+3855"), tile("EPSG:4326")
    assert output_grid([dem], crs="EPSG:9518").shape == dem.shape
    assert output_grid([dem, picture], crs="EPSG:4326").shape == dem.shape
    assert output_grid([dem]).crs == dem.crs


def test_a_cube_of_maps_has_the_pixels_of_products_with_heights() -> None:
    dem = tile("EPSG:9518")
    found = output_grid([dem], crs="EPSG:4326")
    assert (found.shape, found.transform) == (dem.shape, dem.transform)


def test_a_cube_of_unknown_heights_never_says_ellipsoid() -> None:
    """A DEM whose file tells no datum is no better known after ``crs="EPSG:4979"``."""
    found = output_grid([tile("EPSG:4326")], crs="EPSG:4979")
    assert found == output_grid([tile("EPSG:4326")], crs="EPSG:4326")
    assert output_grid([tile("EPSG:4979")], crs="EPSG:4979").crs == CRS("EPSG:4979")
