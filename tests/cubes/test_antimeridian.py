"""Cubes across the antimeridian: the numbers are those of a field that knows no seam.

Each product holds a field that depends on the place alone, smoothly and over all longitudes alike. So
the right value of a pixel of any cube, in whatever CRS and convention, is the field at the longitude and
latitude that pyproj tells of its centre.
"""

from __future__ import annotations

import copy
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.enums
import rasterio.warp
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.converters import rio_geobox
from odc.geo.geobox import GeoBox
from pyproj import CRS, Transformer
from rasterio.transform import Affine

from geodes_datalab import cubes, errors, ops
from geodes_datalab._inputs.areas import area
from geodes_datalab.cubes.engines.odc import load_params
from geodes_datalab.cubes.grid import seam
from geodes_datalab.cubes.grid.boxes import touching
from geodes_datalab.cubes.grid.output import output_grid
from geodes_datalab.cubes.grid.turns import turn
from geodes_datalab.cubes.plan.model import Layer
from geodes_datalab.cubes.read import across

FIJI = (179.6, -17.2, -179.7, -16.6)
"""West, south, east, north of a box across the antimeridian."""
ENGINES = ("odc", "stackstac")

load = partial(cubes.load, raw=True)
"""Stored numbers are compared with stored numbers."""


def field(longitude: Any, latitude: Any) -> Any:
    """Return a value for each place: smooth, without a seam, nowhere missing."""
    east, north = np.radians(longitude), np.radians(latitude)
    return 3000 + 1500 * np.sin(40 * east) + 1000 * np.cos(60 * north) + 500 * np.cos(3 * east)


def places(x: Any, y: Any, crs: str) -> tuple[Any, Any]:
    """Return longitude and latitude of each pair of x and y."""
    across, down = np.meshgrid(x, y)
    if CRS(crs).is_geographic:
        return across, down
    return Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(across, down)


def product(  # noqa: PLR0917 - what an image is
    shelf,
    name: str,
    crs: str,
    origin: tuple[float, float],
    size: tuple[int, int],
    step: float,
    **more,
) -> dict[str, Any]:
    """Write an image of the field, and return its item."""
    x = origin[0] + (np.arange(size[1]) + 0.5) * step
    y = origin[1] - (np.arange(size[0]) + 0.5) * step
    pixels = field(*places(x, y, crs)).round().astype("uint16")
    return shelf.item(
        name, crs=crs, origin=origin, size=size, step=step, bands={"B04": pixels}, **more
    )


@pytest.fixture(scope="module")
def zones(session_shelf) -> list[dict[str, Any]]:
    """Tiles of UTM zones 60 and 1 on both sides of 180 degrees, each reaching over it."""
    shelf = session_shelf
    return [
        product(shelf, "west", "EPSG:32760", (750_000, 8_180_000), (900, 900), 100.0),
        product(shelf, "east", "EPSG:32701", (155_000, 8_180_000), (900, 1000), 100.0),
    ]


@pytest.fixture(scope="module")
def degrees(session_shelf) -> list[dict[str, Any]]:
    """Two tiles in degrees that meet at 180."""
    shelf = session_shelf
    return [
        product(shelf, "E179", "EPSG:4326", (179, -16.4), (500, 500), 0.002),
        product(shelf, "W180", "EPSG:4326", (-180, -16.4), (500, 500), 0.002),
    ]


def truth(cube: Any) -> Any:
    """Return the field at the pixels of a cube."""
    crs = str(cube.odc.crs)
    return field(*places(cube["x"].values, cube["y"].values, crs))


def assert_true(cube: Any, *, missing: float = 0.0, within: float = 40.0) -> None:
    """Assert that a cube has the field's values, and but a share of its pixels none."""
    pixels = cube["B04"].values[0].astype(float)
    there = pixels != 0
    assert (~there).mean() <= missing, f"{(~there).mean():.1%} of the pixels are missing"
    worst = np.abs(pixels - truth(cube))[there].max()
    assert worst < within, f"a value is {worst:.0f} off"


def holds(cube: Any, box: tuple[float, ...]) -> None:
    """Assert that a cube covers a box across the antimeridian, and not the rest of the world."""
    west, south, east, north = box
    longitude, latitude = places(cube["x"].values, cube["y"].values, str(cube.odc.crs))
    longitude = longitude % 360
    assert longitude.min() < west + 0.02
    assert longitude.max() > east % 360 - 0.02
    assert longitude.max() - longitude.min() < (east - west) % 360 + 0.2
    assert latitude.min() < south + 0.02
    assert latitude.max() > north - 0.02


# ---- the box, in all conventions


SAME_PLACE = {
    "west above east": {"bbox": FIJI},
    "beyond 180": {"bbox": (179.6, -17.2, 180.3, -16.6)},
    "below -180": {"bbox": (-180.4, -17.2, -179.7, -16.6)},
    "polygon beyond 180": {"geometry": shapely.box(179.6, -17.2, 180.3, -16.6)},
    "polygon below -180": {"geometry": shapely.box(-180.4, -17.2, -179.7, -16.6)},
    "cut in two": {
        "geometry": shapely.union_all(
            [shapely.box(179.6, -17.2, 180, -16.6), shapely.box(-180, -17.2, -179.7, -16.6)]
        )
    },
    "GeoJSON, cut": {
        "geometry": {
            "type": "MultiPolygon",
            "coordinates": [
                [[[179.6, -17.2], [180, -17.2], [180, -16.6], [179.6, -16.6], [179.6, -17.2]]],
                [[[-180, -17.2], [-179.7, -17.2], [-179.7, -16.6], [-180, -16.6], [-180, -17.2]]],
            ],
        }
    },
}
CRSS = {
    "EPSG:4326": 0.002, "EPSG:3832": 200.0, "EPSG:3857": 200.0, "EPSG:32760": 200.0,
    "EPSG:32701": 200.0, "EPSG:3460": 200.0, "EPSG:6933": 200.0, "EPSG:4167": 0.002,
}  # fmt: skip


@pytest.mark.parametrize("crs", CRSS)
@pytest.mark.parametrize("form", SAME_PLACE)
def test_a_box_across_the_antimeridian_has_all_its_pixels(zones, crs, form) -> None:
    cube = load(zones, crs=crs, resolution=CRSS[crs], **SAME_PLACE[form])
    holds(cube, FIJI)
    assert_true(cube)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3832", "EPSG:3857", "EPSG:32760"])
@pytest.mark.parametrize("how", ["stackstac", "threads", "small chunks", "smooth", "mean"])
def test_however_it_is_read(zones, crs, how) -> None:
    options = {
        "stackstac": {"engine": "stackstac"}, "threads": {"threads": 3}, "small chunks": {"chunks": 77},
        "smooth": {"resampling": "bilinear"}, "mean": {"resampling": "average"},
    }[how]  # fmt: skip
    cube = load(zones, crs=crs, resolution=CRSS[crs], bbox=FIJI, **options)
    holds(cube, FIJI)
    assert_true(cube)


@pytest.mark.parametrize("form", SAME_PLACE)
def test_one_place_has_one_grid(zones, form) -> None:
    cube = load(zones, crs="EPSG:4326", resolution=0.01, **SAME_PLACE[form])
    assert cube.odc.geobox == load(zones, crs="EPSG:4326", resolution=0.01, bbox=FIJI).odc.geobox
    assert (np.diff(cube["x"].values) > 0).all()


# ---- a tile of one zone, asked from the other side


@pytest.mark.parametrize("crs", [None, "EPSG:4326", "EPSG:3832", "EPSG:3857"])
@pytest.mark.parametrize(
    ("which", "bbox"),
    [
        (0, (-179.98, -17.0, -179.92, -16.9)),
        (0, (180.02, -17.0, 180.08, -16.9)),
        (1, (179.80, -17.0, 179.95, -16.9)),
        (1, (-180.2, -17.0, -180.05, -16.9)),
    ],
    ids=[
        "zone 60 from the east",
        "zone 60 beyond 180",
        "zone 1 from the west",
        "zone 1 below -180",
    ],
)
def test_a_tile_is_found_from_its_other_side(zones, crs, which, bbox) -> None:
    options = {} if crs is None else {"crs": crs, "resolution": CRSS[crs] / 4}
    cube = load([zones[which]], bbox=bbox, **options)
    assert_true(cube)


@pytest.mark.parametrize("which", [0, 1])
def test_a_tile_far_away_is_not_found(zones, which) -> None:
    with pytest.raises(errors.CubeError, match="none of the products") as caught:
        load([zones[which]], bbox=(0, -17, 1, -16))
    west, _, east, _ = map(float, str(caught.value).partition("bbox=(")[2].split(")")[0].split(","))
    assert 179 < west < 180
    assert east % 360 > 180


# ---- products in degrees


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("form", SAME_PLACE)
def test_tiles_in_degrees_that_meet_at_180(degrees, form, engine) -> None:
    """In their own grid, so the pixels are those of the files."""
    cube = load(degrees, engine=engine, **SAME_PLACE[form])
    holds(cube, FIJI)
    assert cube.sizes == {"time": 1, "y": 300, "x": 350}
    assert_true(cube, within=0.51)


@pytest.mark.parametrize("crs", ["EPSG:3832", "EPSG:3857", "EPSG:32760", "EPSG:32701"])
def test_and_in_other_systems(degrees, crs) -> None:
    cube = load(degrees, bbox=FIJI, crs=crs, resolution=200)
    holds(cube, FIJI)
    assert_true(cube)


def test_without_an_area_the_cube_is_not_the_whole_world(degrees) -> None:
    cube = load(degrees)
    assert cube.sizes == {"time": 1, "y": 500, "x": 1000}
    assert_true(cube, within=0.51)


def test_nor_is_it_that_of_tiles_in_two_zones(zones) -> None:
    for crs in ("EPSG:4326", "EPSG:3857", "EPSG:3832"):
        cube = load(zones, crs=crs, resolution=CRSS[crs])
        longitude, _ = places(cube["x"].values, cube["y"].values, crs)
        assert np.ptp(longitude % 360) < 3
        assert_true(cube, missing=0.1)


GLOBES = {"-180 to 180": -180.0, "0 to 360": 0.0, "-90 to 270": -90.0}


@pytest.mark.parametrize("globe", GLOBES)
@pytest.mark.parametrize(
    "bbox", [FIJI, (-5, 40, 5, 50), (355, 40, 5, 50), (-100, -20, -90, -10), (260, -20, 270, -10)],
    ids=["Fiji", "Greenwich", "Greenwich in 360", "the east Pacific", "the east Pacific in 360"],
)  # fmt: skip
def test_a_global_image_has_no_edge(shelf, globe, bbox) -> None:
    west = GLOBES[globe]
    item = product(shelf, "globe", "EPSG:4326", (west, 90), (900, 1800), 0.2)
    cube = load([item], bbox=bbox)
    box = bbox if bbox[0] <= bbox[2] else (bbox[0], bbox[1], bbox[2] + 360, bbox[3])
    assert cube.sizes["x"] == pytest.approx((box[2] - box[0]) / 0.2, abs=2)
    assert_true(cube, within=0.51)
    near = cube["x"].values % 360
    middle = (box[0] + box[2]) / 2 % 360
    assert np.abs((near - middle + 180) % 360 - 180).max() < (box[2] - box[0]) / 2 + 0.2


@pytest.mark.parametrize("method", ["bilinear", "cubic", "average"])
@pytest.mark.parametrize("globe", GLOBES)
def test_a_global_image_is_smooth_across_its_edge(shelf, globe, method) -> None:
    """As GDAL resamples the same image rolled, so that its edge lies elsewhere."""
    west = GLOBES[globe]
    item = product(shelf, "globe", "EPSG:4326", (west, 90), (450, 900), 0.4)
    with rasterio.open(item["assets"]["B04"]["href"]) as file:
        image = file.read(1)
    for edge in (west, 180.0) if west > -180 else (180.0,):
        bbox = (edge - 3.3, -10.1, edge + 3.3, 10.1)
        cube = load([item], bbox=bbox, resolution=0.31, resampling=method)
        made = np.zeros(cube["B04"].shape[1:], "uint16")
        left = cube["x"].values[0] - 0.155
        rolled = np.roll(image, -round((left - 90 - west) / 0.4), axis=1)
        start = west + round((left - 90 - west) / 0.4) * 0.4
        rasterio.warp.reproject(
            rolled, made, src_crs="EPSG:4326", dst_crs="EPSG:4326", src_nodata=0, dst_nodata=0,
            src_transform=Affine(0.4, 0, start, 0, -0.4, 90),
            dst_transform=cube.odc.transform, resampling=rasterio.enums.Resampling[method],
        )  # fmt: skip
        off = np.abs(cube["B04"].values[0].astype(float) - made)
        assert off.max() <= 1


@pytest.mark.parametrize("crs", ["EPSG:32760", "EPSG:3832", "EPSG:3857", "EPSG:3031", "EPSG:32631"])
@pytest.mark.parametrize("globe", GLOBES)
def test_a_global_image_in_other_systems(shelf, globe, crs) -> None:
    item = product(shelf, "globe", "EPSG:4326", (GLOBES[globe], 90), (1800, 3600), 0.1)
    bbox = {"EPSG:32631": (-1, 40, 5, 44), "EPSG:3031": (170, -80, -170, -75)}.get(
        crs, (176, -20, -178, -16)
    )
    cube = load([item], bbox=bbox, crs=crs, resolution=5000)
    assert_true(cube, within=300)


def test_the_whole_world_has_all_its_pixels(shelf) -> None:
    for number, (globe, west) in enumerate(GLOBES.items()):
        item = product(shelf, f"globe{number}", "EPSG:4326", (west, 90), (180, 360), 1.0)
        cube = load([item], bbox=(-180, -90, 180, 90))
        assert cube.sizes == {"time": 1, "y": 180, "x": 360}, globe
        assert_true(cube, within=0.51)
        own = load([item])
        assert tuple(own.odc.transform)[:6] == (1, 0, west, 0, -1, 90)
        assert_true(own, within=0.51)


def test_a_global_image_is_no_cube_of_a_zone(shelf) -> None:
    item = product(shelf, "globe", "EPSG:4326", (-180, 90), (180, 360), 1.0)
    with pytest.raises(errors.CubeError, match="cannot be expressed"):
        load([item], crs="EPSG:32631", resolution=1000)


def test_many_dates_across_the_seam(shelf) -> None:
    """Where each time step is one product, a table is read instead of a graph."""
    items = [
        product(
            shelf, f"globe{day}", "EPSG:4326", (-180, 90), (180, 360), 1.0,
            start=f"2024-01-0{day}T10:00:00Z",
        )
        for day in (1, 2, 3)
    ]  # fmt: skip
    cube = load(items, bbox=(170, -20, -170, 20), chunks={"time": 2, "x": 7, "y": 9})
    assert cube.sizes == {"time": 3, "y": 40, "x": 20}
    for day in range(3):
        assert_true(cube.isel(time=[day]), within=0.51)


WITHOUT_SEAM = {
    ("zone", "EPSG:3832"), ("zone", "EPSG:32760"), ("globe from 0", "EPSG:4326"),
}  # fmt: skip
"""Sources and cubes with no seam between them, which are read as any others are."""


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:3832", "EPSG:32760"])
@pytest.mark.parametrize("source", ["zone", "globe", "globe from 0"])
@pytest.mark.parametrize("method", ["nearest", "cubic", "average"])
def test_what_is_read_is_all_that_is_fetched(shelf, zones, crs, source, method) -> None:
    """Of archives on servers only the bytes of a view come: pixels beyond it are not looked at."""
    if source == "zone":
        path = zones[0]["assets"]["B04"]["href"]
    else:
        west = -180 if source == "globe" else 0
        item = product(shelf, "globe", "EPSG:4326", (west, 90), (900, 1800), 0.2)
        path = item["assets"]["B04"]["href"]
    with rasterio.open(path) as file:
        own, image, profile = rio_geobox(file), file.read(1), file.profile
    step, box = (150.0, FIJI) if source == "zone" else (9000.0, (170, -20, -170, -10))
    step = step / 111_320 if crs == "EPSG:4326" else step
    grid = output_grid([own], area=area(box, None), crs=crs, resolution=step)
    middle = grid.shape.x // 2
    grid = grid[10:70, middle - 40 : middle + 40]
    params = load_params(Layer("B04", "B04", "uint16", 0, method))
    if not seam.at(own, grid):
        assert (source, crs) in WITHOUT_SEAM
        return
    view = across.view(path, params, own, grid)
    assert view.level == 0
    left, top, right, bottom = view.window.within(*image.shape[::-1])
    assert (right - left) * (bottom - top) < image.size or source != "zone"
    elsewhere = np.full_like(image, 65_000)
    elsewhere[top:bottom, left:right] = image[top:bottom, left:right]
    other = str(Path(path).with_name("holes.tif"))
    with rasterio.open(other, "w", **{**profile, "driver": "GTiff"}) as file:
        file.write(elsewhere, 1)
    (_, whole), (_, part) = (across.read(name, params, (own, grid)) for name in (path, other))
    np.testing.assert_array_equal(part, whole)
    assert (whole != 0).any()


def test_overviews_serve_across_the_seam(shelf) -> None:
    item = product(shelf, "globe", "EPSG:4326", (-180, 90), (900, 1800), 0.2)
    with rasterio.open(item["assets"]["B04"]["href"]) as file:
        image, profile = file.read(1), file.profile
    path = str(shelf.folder / "overviews.tif")
    with rasterio.open(path, "w", **{**profile, "driver": "GTiff"}) as file:
        file.write(image, 1)
        file.build_overviews([2, 4, 8], rasterio.enums.Resampling.average)
    item["assets"]["B04"]["href"] = path
    for resolution in (0.8, 1.6, 2.0):
        cube = load([item], bbox=(160, -20, -160, 20), resolution=resolution)
        assert_true(cube, within=1500 * np.sin(40 * np.radians(resolution)) + 100)
    item["assets"]["B04"]["href"] = str(shelf.folder / "globe_B04.tif")


# ---- other seams, poles, clips


def test_other_seams_are_seams_too(shelf) -> None:
    """Mercator around 150 degrees ends at 30 degrees west."""
    item = product(shelf, "atlantic", "EPSG:32626", (110_000, 1_500_000), (800, 1200), 100.0)
    for bbox in ((-30.4, 12.9, -29.6, 13.3), (329.6, 12.9, 330.4, 13.3)):
        cube = load([item], bbox=bbox, crs="EPSG:3832", resolution=300)
        assert cube.sizes["x"] < 500
        assert_true(cube)


def test_a_polar_image_in_degrees(shelf) -> None:
    item = product(shelf, "pole", "EPSG:3031", (-500_000, 500_000), (500, 500), 2000.0)
    for bbox in ((170, -88, -170, -86.5), (-10, -88, 10, -86.5), (60, -88, 80, -86.5)):
        cube = load([item], bbox=bbox, crs="EPSG:4326", resolution=(0.2, 0.02))
        assert_true(cube, within=400)


@pytest.mark.parametrize("crs", CRSS)
@pytest.mark.parametrize("form", ["west above east", "below -180", "cut in two"])
def test_a_clip_across_the_seam_keeps_what_lies_inside(zones, crs, form) -> None:
    place = SAME_PLACE[form]
    whole = load(zones, crs=crs, resolution=CRSS[crs], **place)
    cut = load(zones, crs=crs, resolution=CRSS[crs], clip=True, **place)
    longitude, latitude = places(cut["x"].values, cut["y"].values, crs)
    east = (longitude - 179.6) % 360
    margin = 0.004
    inside = (
        (east > margin) & (east < 0.7 - margin) & (latitude > -17.2 + margin) & (latitude < -16.6 - margin)
    )  # fmt: skip
    outside = (
        ((east > 0.7 + margin) & (east < 360 - margin))
        | (latitude < -17.2 - margin) | (latitude > -16.6 + margin)
    )  # fmt: skip
    np.testing.assert_array_equal(cut["B04"].values[0][inside], whole["B04"].values[0][inside])
    assert (cut["B04"].values[0][inside] != 0).all()
    assert (cut["B04"].values[0][outside] == 0).all()


def test_the_day_over_fiji_is_that_of_fiji(zones) -> None:
    """Passes at 22:10 and 22:12 UTC are one morning; those of the evening before are another day."""
    zones = copy.deepcopy(zones)
    for number, (item, minute) in enumerate(zip(zones, ("10", "12"), strict=True)):
        item["properties"]["start_datetime"] = f"2024-03-0{1}T22:{minute}:00Z"
        item["id"] = f"{number}"
    for crs in ("EPSG:4326", "EPSG:3832", "EPSG:32760"):
        assert load(zones, crs=crs, resolution=CRSS[crs], bbox=FIJI).sizes["time"] == 1


def test_a_world_that_no_zone_can_show_is_refused() -> None:
    tile = GeoBox((1000, 1000), Affine(10, 0, 600_000, 0, -10, 4_900_020), "EPSG:32631")
    for box in ((-180, -90, 180, 90), (-100, -50, 110, 50), (-179, -80, 179, 80)):
        with pytest.raises(errors.CubeError, match="cannot be expressed"):
            output_grid([tile], area=area(box, None))


# ---- what numbers mean, and which are missing


MARK, SCALE, SHIFT = 65_535, 0.0001, -0.1
UNSEEN = ("nodata of the file", "nodata of the catalogue", "mask", "mask and nodata", "alpha")


def gaps(longitude: Any, latitude: Any) -> Any:
    """Return how far each place is from the edge of a gap, in degrees; within one, less than 0."""
    east = longitude % 360
    apart = [np.hypot(east - x, latitude - y) for x, y in ((179.99, -16.9), (180.2, -16.75))]
    return np.minimum(*apart) - 0.05


def gappy(folder, name: str, west: float, how: str) -> dict[str, Any]:
    """Write a tile of a degree whose gaps are told in one way; its second band holds the field."""
    place = Affine(0.002, 0, west, 0, -0.002, -16.4)
    longitude, latitude = np.meshgrid(
        west + (np.arange(500) + 0.5) * 0.002, -16.4 - (np.arange(500) + 0.5) * 0.002
    )
    seen = gaps(longitude, latitude) >= 0
    pixels = field(longitude, latitude).round().astype("uint16")
    hidden = MARK if "nodata" in how else 3000  # behind a mask lies what looks like a value
    stack = np.stack([np.full_like(pixels, 7), np.where(seen, pixels, hidden)])
    if how == "alpha":
        stack = np.stack([*stack, stack[0], np.where(seen, MARK, 0)]).astype("uint16")
    path = folder / f"{name}.tif"
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(
        path, "w", driver="GTiff", height=500, width=500, count=len(stack), dtype="uint16",
        crs="EPSG:4326", transform=place, nodata=MARK if how == "nodata of the file" else None,
        **({"photometric": "RGB", "alpha": "yes"} if how == "alpha" else {}),
    ) as file:  # fmt: skip
        file.write(stack)
        if "mask" in how:
            file.write_mask(seen if how == "mask" else np.ones_like(seen))
    told = {"data_type": "uint16", "raster:scale": SCALE, "raster:offset": SHIFT}
    if how in ("nodata of the catalogue", "mask and nodata"):
        told["nodata"] = MARK
    return {
        "type": "Feature", "stac_version": "1.1.0", "stac_extensions": [], "id": name,
        "collection": "local-cogs", "geometry": None, "links": [],
        "properties": {
            "datetime": "2024-03-01T10:50:31Z", "proj:code": "EPSG:4326",
            "proj:shape": [500, 500], "proj:transform": list(place)[:6],
        },
        "assets": {"both": {
            "href": str(path), "type": "image/tiff; application=geotiff", "roles": ["data"],
            "bands": [{"name": "other", "data_type": "uint16"}, {"name": "B04", **told}],
        }},
    }  # fmt: skip


@pytest.mark.parametrize("crs", [None, "EPSG:3832", "EPSG:3857", "EPSG:32760", "EPSG:32701"])
@pytest.mark.parametrize("method", ["nearest", "bilinear"])
@pytest.mark.parametrize("how", UNSEEN)
def test_values_and_gaps_hold_across_the_seam(tmp_path, how, method, crs) -> None:
    items = [gappy(tmp_path, "E179", 179, how), gappy(tmp_path, "W180", -180, how)]
    where = {"bbox": FIJI} | ({"crs": crs, "resolution": CRSS[crs]} if crs else {})
    for options in ({"engine": "odc"}, {"engine": "stackstac"}, {"threads": 2}, {"raw": True}):
        cube = cubes.load(items, "B04", resampling=method, **where, **options).compute()
        holds(cube, FIJI)
        values = ops.to_physical(cube)["B04"].values[0]
        inside = gaps(*places(cube["x"].values, cube["y"].values, str(cube.odc.crs)))
        assert np.isnan(values[inside < -0.006]).all()
        assert (inside < -0.006).sum() > 100
        known = values[inside > 0.006]
        assert np.isfinite(known).all()
        expected = (truth(cube) * SCALE + SHIFT)[inside > 0.006]
        np.testing.assert_allclose(known, expected, atol=40 * SCALE)


# ---- whatever the box


@settings(max_examples=60)
@given(
    west=st.floats(-180, 179.99),
    width=st.floats(0.01, 40),
    south=st.floats(-60, 55),
    turns=st.sampled_from([-360, 0, 360]),
    crs=st.sampled_from(["EPSG:4326", "EPSG:3857", "EPSG:3832", "EPSG:6933", "EPSG:4979"]),
)
def test_a_grid_covers_its_box_wherever_the_seam_is(west, width, south, turns, crs) -> None:
    if not (west + turns >= -360 and west + width + turns <= 360):
        turns = 0
    tile = GeoBox((10, 10), Affine(0.1, 0, west, 0, -0.1, south), "EPSG:4326")
    step = 0.05 if CRS(crs).is_geographic else 5000.0
    place = area((west + turns, south, west + width + turns, south + 5), None)
    grid = output_grid([tile], area=place, crs=crs, resolution=step)
    assert grid == output_grid(
        [tile], area=area(None, shapely.box(west, south, west + width, south + 5)), crs=crs,
        resolution=step,
    )  # fmt: skip
    left, right = grid.boundingbox.left, grid.boundingbox.right
    full = 360.0 if CRS(crs).is_geographic else turn(grid.crs).length
    assert right - left == pytest.approx(full * width / 360, abs=2 * step + 1e-6 * full)
    to = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    for share in (0.0, 0.5, 1.0):
        x, _ = to.transform((west + share * width + 180) % 360 - 180, south + 1)
        assert (x - left + step) % full <= right - left + 2 * step


@settings(max_examples=40)
@given(
    west=st.floats(-180, 179.99),
    width=st.floats(0.01, 20),
    turns=st.sampled_from([-360, 0, 360]),
    zone=st.integers(1, 60),
)
def test_tiles_are_found_wherever_they_lie(west, width, turns, zone) -> None:
    """Against arithmetic on the circle: a tile is 1 degree wide on the equator's parallel."""
    tile = GeoBox((1000, 1000), Affine(110, 0, 445_000, 0, -110, 110_000), f"EPSG:{32600 + zone}")
    left = (zone * 6 - 183) - 0.4945
    if not (west + turns >= -360 and west + width + turns <= 360):
        turns = 0
    place = area((west + turns, 0.2, west + width + turns, 0.8), None)
    apart = (west - left) % 360
    hit = apart < 0.98 or apart + width > 360.01
    miss = 0.999 < apart < 359.999 - width
    if hit:
        assert touching([tile], place) == [True]
    elif miss:
        with pytest.raises(errors.CubeError, match="none of the products"):
            touching([tile], place)


def test_a_ring_that_jumps_is_refused_with_what_is_meant(zones) -> None:
    """Literally it is 359.3 degrees wide: nobody means that, and GeoJSON says it."""
    ring = [[179.6, -17.2], [-179.7, -17.2], [-179.7, -16.6], [179.6, -16.6], [179.6, -17.2]]
    given = {"type": "Polygon", "coordinates": [ring]}
    with pytest.raises(errors.InvalidInput, match="more than 180 degrees") as caught:
        load(zones, geometry=given, crs="EPSG:4326", resolution=0.01)
    assert "beyond 180" in str(caught.value)
    with warnings.catch_warnings():
        warnings.simplefilter("error", errors.GeodesWarning)
        load(zones, bbox=(-180, -20, 180, -10), crs="EPSG:4326", resolution=0.05)
        load(zones, geometry=shapely.box(-180, -20, 180, -10), crs="EPSG:4326", resolution=0.05)


def test_nothing_is_said_of_all_this(zones) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", errors.GeodesWarning)
        load(zones, crs="EPSG:4326", resolution=0.002, bbox=FIJI).compute()
