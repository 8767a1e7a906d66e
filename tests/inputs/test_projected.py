"""Places in a CRS of their own: the pixels of that CRS in them are those in what is read of them."""

from __future__ import annotations

from typing import Any

import geopandas
import numpy as np
import odc.geo.geobox
import pytest
import shapely
from pyproj import Transformer

from geodes_datalab._inputs.areas import area, geometry

POLE = shapely.Point(0, 0)
PLACES: dict[str, tuple[Any, Any]] = {
    "zone": (shapely.box(6e5, 48e5, 7e5, 49e5), 32631),
    "zone 60, beyond 180": (shapely.box(7e5, 81e5, 9e5, 83e5), 32760),
    "zone 1, below -180": (shapely.box(1e5, 81e5, 3e5, 83e5), 32701),
    "degrees beyond 180": (shapely.box(179, -40, 181, -35), 4167),
    "Pacific": (shapely.box(3e6, -2e6, 34e5, -15e5), 3832),
    "Mollweide": (shapely.box(-2e6, -1e6, 2e6, 1e6), "+proj=moll +lon_0=180"),
    "Europe": (shapely.box(25e5, 25e5, 55e5, 45e5), 3035),
    "South Pole": (shapely.box(-1e5, -1e5, 1e5, 1e5), 3031),
    "North Pole, at the side": (shapely.box(-3e6, -1e5, 1e5, 2e6), 3413),
    "tile at the pole": (shapely.box(0, 0, 1e6, 1e6), 3413),
    "pole on an edge": (shapely.box(-1e6, 0, 1e6, 1e6), 3413),
    "triangle": (shapely.Polygon([(-2e6, -1e6), (2e6, -5e5), (0, 2.2e6)]), 3413),
    "ring": (POLE.buffer(1e6).difference(POLE.buffer(3e5)), 3995),
    "hole beside the pole": (POLE.buffer(1e6).difference(shapely.Point(5e5, 0).buffer(2e5)), 3413),
    "across the edge of the Arctic": (shapely.box(-1e6, 1e6, 5e5, 2e6), 3995),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_projected_place_holds_what_it_holds(name: str) -> None:
    """Against pyproj, point by point; boxes of corners lose up to a tenth of them."""
    place, crs = PLACES[name]
    west, south, east, north = place.bounds
    margin = max(east - west, north - south) / 5
    generator = np.random.default_rng(0)
    x = generator.uniform(west - margin, east + margin, 4000)
    y = generator.uniform(south - margin, north + margin, 4000)
    longitude, latitude = Transformer.from_crs(crs, 4326, always_xy=True).transform(x, y)
    sure = shapely.distance(place.boundary, shapely.points(x, y)) > margin / 500
    sure &= np.isfinite(longitude)
    expected = shapely.contains_xy(place, x, y)
    series = geopandas.GeoSeries([place], crs=crs)
    for found in (area(None, series), shapely.geometry.shape(geometry(series))):
        turns = (shapely.contains_xy(found, longitude + turn, latitude) for turn in (-360, 0, 360))
        wrong = np.logical_or.reduce(list(turns)) != expected
        assert (wrong & sure).sum() <= 1  # where an edge of some thousand kilometres bends
    assert expected.sum() > 500


def test_grids_are_places_too() -> None:
    box = odc.geo.geobox.GeoBox.from_bbox((1e5, 81e5, 3e5, 83e5), "EPSG:32701", resolution=100)
    west, _, east, _ = area(box, None).bounds
    assert (west, east) == pytest.approx((179.23, 181.12), abs=0.05)
    assert area(box.boundingbox, None).equals_exact(area(box, None), 1e-9)
    plain = odc.geo.geom.BoundingBox(1.3, 43.5, 1.5, 43.7)
    assert area(plain, None).bounds == (1.3, 43.5, 1.5, 43.7)


def test_the_whole_world_is_the_whole_world() -> None:
    half = 20_037_508.34
    for crs in (3857, 3832):
        world = geopandas.GeoSeries([shapely.box(-half, -1e7, half, 1e7)], crs=crs)
        west, _, east, _ = area(None, world).bounds
        assert east - west == pytest.approx(360, abs=1e-6)


def test_a_number_that_names_the_crs_is_heeded() -> None:
    """As PostGIS writes it, in text and in binary; a table's own CRS counts more."""
    place = geopandas.GeoSeries([shapely.box(1.3, 43.5, 1.5, 43.7)], crs=4326).to_crs(32631)
    marked = shapely.set_srid(place.iloc[0], 32631)
    forms: list[Any] = [
        marked, shapely.to_wkb(marked, include_srid=True), [marked],
        shapely.to_wkb(marked, include_srid=True, hex=True), f"SRID=32631;{marked.wkt}",
        geopandas.GeoSeries([marked], crs=32631),
        geopandas.GeoSeries([shapely.set_srid(marked, 3857)], crs=32631),
        geopandas.GeoDataFrame(geometry=[marked], crs=32631),
        "SRID=0;POLYGON ((1.3 43.5, 1.5 43.5, 1.5 43.7, 1.3 43.7, 1.3 43.5))",
    ]  # fmt: skip
    for form in forms:
        assert area(None, form).bounds == pytest.approx((1.3, 43.5, 1.5, 43.7), abs=1e-4)
