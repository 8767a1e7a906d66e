"""SWOT's rasters of water and its rivers, over the Garonne: format-true files of a simulated pass.

The water surface is a plane that falls by 0.2 m per kilometre eastwards: `surface`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from geodes_datalab.standin.missions.hdf import Stored, flags, netcdf
from geodes_datalab.standin.missions.made import Made, zipped

FILL = 9.96921e36
LEFT, BOTTOM = 340_000.0, 4_900_000.0
"""Corner of the raster, EPSG:32631."""
SIZE, STEP = 60, 100.0
BBOX = (1.00, 44.23, 1.08, 44.29)
START, END = "2024-05-03T06:12:11Z", "2024-05-03T06:12:32Z"
QUALITY = {0: "good", 1: "suspect", 2: "degraded", 3: "bad"}
NAME = "SWOT_L2_HR_Raster_100m_UTM31T_N_x_x_x_014_042_096F_20240503T061211_20240503T061232_PIC0_01"
RIVER = "SWOT_L2_HR_RiverSP_{kind}_014_042_EU_20240503T061150_20240503T061201_PIC0_01"


def surface(x: Any) -> Any:
    """Return the height of the water above the geoid (m) at an easting (m)."""
    return 120.0 - 0.0002 * (np.asarray(x) - LEFT)


def products() -> Iterator[Made]:
    """Yield a raster, reaches and nodes of a pass."""
    told = {"platform": "SWOT", "processing:level": "L2", "sat:relative_orbit": 42}
    yield Made(
        "SWOT_L2_HR_Raster_100m",
        NAME,
        BBOX,
        START,
        {f"{NAME}.nc": _raster()},
        end=END,
        properties=told,
    )
    for kind, shapes in (("Reach", _reaches()), ("Node", _nodes())):
        name = RIVER.format(kind=kind)
        yield Made(
            "SWOT_L2_HR_RiverSP", name, BBOX, START, {f"{name}.zip": shapefile(shapes, name)}, end=END,
            properties=told,
        )  # fmt: skip


def _raster() -> bytes:
    """Return a raster: rows go northwards in the file, as they do in the real ones."""
    x = LEFT + STEP * (np.arange(SIZE) + 0.5)
    y = BOTTOM + STEP * (np.arange(SIZE) + 0.5)
    water = np.broadcast_to(np.abs(np.arange(SIZE) - 30)[:, None] < 8, (SIZE, SIZE))
    quality = np.full((SIZE, SIZE), 3, "u1")
    quality[water] = 0
    quality[24, :], quality[25, :] = 1, 2  # suspect ones are kept, degraded ones are not
    made = {
        name: Stored(("y", "x"), np.asarray(values, "f4"), FILL, {**attrs, "grid_mapping": "crs"})
        for name, (values, attrs) in _layers(x, water).items()
    }
    for name in ("wse_qual", "water_area_qual", "sig0_qual"):
        made[name] = Stored(("y", "x"), quality, 255, flags(QUALITY))
    made["x"] = Stored(("x",), x, None, {"units": "m", "standard_name": "projection_x_coordinate"})
    made["y"] = Stored(("y",), y, None, {"units": "m", "standard_name": "projection_y_coordinate"})
    made["crs"] = Stored(
        (), np.array(0, "u1"), None, {"crs_wkt": _wkt(), "grid_mapping_name": "transverse_mercator"}
    )
    attrs = {
        "title": "Level 2 KaRIn High Rate Raster Data Product", "cycle_number": 14, "pass_number": 42,
        "scene_number": 96, "crid": "PIC0", "time_granule_start": START, "time_granule_end": END,
        "product_version": "01", "comment": "Simulated: nobody has observed this",
    }  # fmt: skip
    return netcdf({"/": made}, attrs)


def _layers(x: Any, water: Any) -> Mapping[str, tuple[Any, dict[str, Any]]]:
    """Return the measurements: values and attributes by name."""
    height = np.where(water, surface(x)[None, :], FILL).astype("f4")
    fraction = np.where(water, 0.75, 0.0)
    return {
        "wse": (height, {"units": "m", "standard_name": "water_surface_height_above_reference_datum",
                         "coordinates": "longitude latitude"}),
        "wse_uncert": (np.where(water, 0.1, FILL), {"units": "m"}),
        "water_area": (fraction * STEP**2, {"units": "m^2"}),
        "water_frac": (fraction, {"units": "1"}),
        "sig0": (np.where(water, 25.0, FILL), {"units": "1"}),
        "inc": (np.full((SIZE, SIZE), 2.5), {"units": "degrees"}),
        "geoid": (np.full((SIZE, SIZE), 48.5), {"units": "m"}),
    }  # fmt: skip


def _wkt() -> str:
    from pyproj import CRS

    return str(CRS("EPSG:32631").to_wkt())


def _reaches() -> Any:
    import geopandas
    from shapely.geometry import LineString

    lines = [LineString([(1.00 + 0.02 * k, 44.25), (1.02 + 0.02 * k, 44.26)]) for k in range(3)]
    columns = {
        "reach_id": ["21602700010", "21602700020", "21602700030"],
        "time_str": ["2024-05-03T06:12:12Z", "2024-05-03T06:12:13Z", "no_data"],
        "wse": [119.5, 118.0, -999999999999.0], "wse_u": [0.1, 0.1, -999999999999.0],
        "slope": [0.0002, 0.0003, -999999999999.0], "width": [150.0, 175.5, -999999999999.0],
        "area_total": [1.5e5, 1.6e5, -999999999999.0], "reach_q": [0, 1, 3],
        "river_name": ["Garonne"] * 3,
    }  # fmt: skip
    return geopandas.GeoDataFrame(columns, geometry=lines, crs="EPSG:4326")


def _nodes() -> Any:
    import geopandas
    from shapely.geometry import Point

    columns = {
        "reach_id": ["21602700010"] * 4, "node_id": [f"216027000100{k}1" for k in range(4)],
        "time_str": ["2024-05-03T06:12:12Z"] * 4, "wse": [119.6, 119.5, 119.4, -999999999999.0],
        "width": [140.0, 150.0, 160.0, -999999999999.0], "node_q": [0, 0, 2, 3],
    }  # fmt: skip
    places = [Point(1.002 + 0.004 * k, 44.251 + 0.002 * k) for k in range(4)]
    return geopandas.GeoDataFrame(columns, geometry=places, crs="EPSG:4326")


def shapefile(shapes: Any, name: str) -> bytes:
    """Return a zipped shapefile."""
    with TemporaryDirectory() as folder:
        shapes.to_file(Path(folder, f"{name}.shp"), engine="pyogrio")
        parts = sorted(Path(folder).glob(f"{name}.*"))
        return zipped({part.name: part.read_bytes() for part in parts})
