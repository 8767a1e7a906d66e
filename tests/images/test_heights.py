"""Heights and old datums against published values, by each library that has a PROJ of its own.

The values are their authors', and none was made by the grid that is tested:

- EGM96: NGA's test of its own interpolation, INPUT.DAT and OUTINTPT.DAT beside WW15MGH.GRD, by a spline of
  third order. PROJ goes straight between nodes 15 minutes apart, which makes up to 6 cm here.
- EGM2008: NGA's OUTPUT.DAT of the harmonic synthesis hsynth_WGS84, degree 2190; GeographicLib's GeoidEval
  of the grid of one minute (quoted by sarpy's tests); and IGN's Circe (quoted by OrbisGIS CTS's
  CirceMetropoleComplianceTest).
- NTF: IGN's NT/G 111 (Harmel, 2007), fourth part, which tests ntf_r93.gsb (quoted by OrbisGIS CTS's
  frenchgridstest.csv); and the example of IGN's NTG 88 (1997) for the grid GR3DF97A, which ntf_r93.gsb was
  made from, quoted by Apache SIS.
"""

from __future__ import annotations

import json

import pytest
from inside import Image

pytestmark = [pytest.mark.images, pytest.mark.timeout(600)]

EGM96 = [
    (38.628155, 269.779155, -31.628),
    (-14.621217, 305.021114, -2.969),
    (46.874319, 102.448729, -43.575),
    (-23.617446, 133.874712, 15.871),
    (38.625473, 359.9995, 50.066),
    (-0.466744, 0.0023, 17.329),
]
"""Latitude, longitude, height of the geoid above the ellipsoid."""

EGM2008 = [
    (37.0, -119.0, -26.151),
    (36.0, 242.983333, -29.171),
    (90.0, 0.0, 14.899),
    (-90.0, 359.983333, -30.150),
    (0.0, 0.0, 17.226),
    (20.0, 50.0, -30.7048),
    (44.99997468, 2.33655573, 51.276),
]

NTF = [
    ((565767.906, 2669005.730), (619119.4605, 7102502.9796)),
    ((586809.901, 2640699.461), (639914.1894, 7074034.8467)),
    ((731608.003, 2558633.796), (783942.7495, 6990790.2512)),
    ((305468.589, 2525760.971), (357778.7906, 6961484.3559)),
    ((929226.561, 2485290.983), (980808.8597, 6915794.5771)),
    ((55824.497, 2394454.212), (107242.8306, 6832277.1818)),
]
"""Lambert II etendu (EPSG:27572) and Lambert-93 (EPSG:2154)."""

NTG88 = (
    (2 + (25 + 32.4187 / 60) / 60, 48 + (50 + 40.2441 / 60) / 60),
    (2 + (25 + 29.89599 / 60) / 60, 48 + (50 + 40.00502 / 60) / 60),
)
"""Longitude and latitude, NTF and RGF93: to 0.0001 seconds, 3 mm."""

EXACT = {"EGM96": 0.06, "EGM2008": 0.015}
"""Metres: what a straight line between the nodes of the grid may make at these places."""

PYPROJ = """
import json, sys, pyproj
def turned(source, target, points):
    turn = pyproj.Transformer.from_crs(source, target, always_xy=True)
    return [turn.transform(*point) for point in points]
print(json.dumps([turned(*task) for task in json.loads(sys.argv[1])]))
"""

RASTERIO = """
import json, sys
from rasterio.warp import transform
def turned(source, target, points):
    return list(zip(*transform(source, target, *map(list, zip(*points)))))
print(json.dumps([turned(*task) for task in json.loads(sys.argv[1])]))
"""

PYOGRIO = """
import json, sys, tempfile, pathlib, pyogrio, shapely
folder = pathlib.Path(tempfile.mkdtemp())
def turned(source, target, points):
    names = "xyz"[: len(points[0])]
    rows = [",".join(names), *(",".join(map(repr, point)) for point in points)]
    (folder / "points.csv").write_text("\\n".join(rows))
    fields = " ".join(f'{name}="{name}"' for name in names)
    (folder / "points.vrt").write_text(f'''<OGRVRTDataSource><OGRVRTWarpedLayer>
<OGRVRTLayer name="points"><SrcDataSource>{folder}/points.csv</SrcDataSource>
<GeometryField encoding="PointFromColumns" {fields}/>
<GeometryType>wkbPoint{"25D" if len(names) > 2 else ""}</GeometryType><LayerSRS>{source}</LayerSRS>
</OGRVRTLayer><TargetSRS>{target}</TargetSRS></OGRVRTWarpedLayer></OGRVRTDataSource>''')
    _, _, shapes, _ = pyogrio.raw.read(folder / "points.vrt")
    found = shapely.from_wkb(shapes)
    return shapely.get_coordinates(found, include_z=len(names) > 2).tolist()
print(json.dumps([turned(*task) for task in json.loads(sys.argv[1])]))
"""

GD = """
import json, sys
import odc.geo.xr, xarray as xr
from geodes_datalab import ops
def height(datum, latitude, longitude):
    places = {"latitude": [latitude], "longitude": [longitude]}
    point = xr.DataArray([[1000.0]], coords=places).odc.assign_crs("EPSG:4326")
    above = ops.to_vertical_datum(point, datum, source="ellipsoid")
    back = ops.to_vertical_datum(above, "ellipsoid")
    assert abs(back.item() - 1000) < 1e-6
    return 1000 - above.item()
print(json.dumps([height(*point) for point in json.loads(sys.argv[1])]))
"""

CUBES = """
import json, pathlib, sys
import geodes_datalab as gd
sys.path.insert(0, "/mnt")
from support.ramps import found, ramp
def turned(place, there, how):
    item = ramp(pathlib.Path.cwd(), place, "EPSG:27572")
    cube = gd.load(item, crs="EPSG:2154", resolution=1, resampling="bilinear", **how)
    return found(cube, there)
points, ways = map(json.loads, sys.argv[1:])
print(json.dumps([[turned(*point, how) for point in points] for how in ways]))
"""
"""Products whose values are their own coordinates: what a cube has at a place is where it takes that to be."""

WAYS = [{"engine": "odc"}, {"engine": "stackstac"}, {"threads": 2}, {"raw": True}]

BY = {"pyproj": PYPROJ, "rasterio": RASTERIO, "pyogrio": PYOGRIO}


def within_180(longitude: float) -> float:
    return (longitude + 180) % 360 - 180


@pytest.mark.parametrize("library", BY)
def test_published_values(notebook: Image, library: str) -> None:
    tables = {"EGM96": ("EPSG:4326+5773", EGM96), "EGM2008": ("EPSG:9518", EGM2008)}
    tasks = [
        ("EPSG:4979", crs, [(within_180(lon), lat, 0.0) for lat, lon, _ in points])
        for crs, points in tables.values()
    ]
    tasks += [
        ("EPSG:27572", "EPSG:2154", [old for old, _ in NTF]),
        ("EPSG:4275", "EPSG:4171", [NTG88[0]]),
    ]
    *heights, lambert, degrees = json.loads(notebook.python(BY[library], json.dumps(tasks)))
    for (name, (_, points)), found in zip(tables.items(), heights, strict=True):
        for (lat, lon, geoid), (_, _, height) in zip(points, found, strict=True):
            assert -height == pytest.approx(geoid, abs=EXACT[name]), (name, lat, lon)
    for (_, published), place in zip(NTF, lambert, strict=True):
        assert place == pytest.approx(published, abs=0.001)
    assert degrees[0] == pytest.approx(NTG88[1], abs=5e-8)


def test_published_heights_by_our_own_verb(notebook: Image) -> None:
    for name, points in {"EGM96": EGM96, "EGM2008": EGM2008}.items():
        asked = [(name, lat, lon) for lat, lon, _ in points]
        found = json.loads(notebook.python(GD, json.dumps(asked)))
        for (lat, lon, geoid), height in zip(points, found, strict=True):
            assert height == pytest.approx(geoid, abs=EXACT[name]), (name, lat, lon)


def test_a_product_in_ntf_has_its_place_in_a_cube(notebook: Image) -> None:
    """By `gd.load`, warped in each of its ways: to a millimetre, with pixels of 10 m and a cube of 1 m.

    The sixth place, Ushant, lies beyond the area that EPSG tells for the grid.
    """
    for how, found in zip(WAYS, _loaded(notebook), strict=True):
        for (published, _), place in zip(NTF, found, strict=True):
            assert place == pytest.approx(published, abs=0.001), how


def _loaded(image: Image) -> list[list[list[float]]]:
    found: list[list[list[float]]] = json.loads(
        image.python(CUBES, json.dumps(NTF), json.dumps(WAYS))
    )
    return found


def test_our_own_verb_refuses_where_no_grid_is(notebook: Image) -> None:
    """NGF-IGN69 has no grid in any package that the image is made of."""
    code = GD.replace("height(*point)", "refused(*point)").replace(
        "def height",
        """
def refused(*point):
    try:
        return height(*point)
    except Exception as error:
        return [type(error).__name__, str(error)]
def height""",
    )
    ((kind, words),) = json.loads(notebook.python(code, json.dumps([("EPSG:5720", 43.6, 1.4)])))
    assert kind == "CubeError"
    assert "fr_ign_RAF" in words
    assert "geodes-datalab grids" in words
