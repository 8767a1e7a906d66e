"""Optical products and maps made of them: monthly composites, VENUS, Landsat, Take5, land cover, snow, water.

Each band is a plane that a reader of it can check with a pencil: `plane` of its number in the product.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from geodes_datalab.standin.missions.made import Made, zipped
from geodes_datalab.standin.missions.swot import shapefile
from geodes_datalab.standin.samples.archive import geotiff
from geodes_datalab.standin.samples.grid import Grid

SIZE = 40
"""Pixels along each side."""

BBOX = (1.35, 43.50, 1.40, 43.54)
TILE = Grid(32631, 367_000, 4_818_000, 20, SIZE, SIZE)
LAMBERT = Grid(2154, 566_000, 6_272_000, 10, SIZE, SIZE)


def plane(number: int, *, low: int = 500, step: int = 3) -> Any:
    """Return stored numbers: ``low + 100 * number + step * row + column``, with a corner of nothing.

    The first 5 x 5 pixels are -10000, which means that there is nothing.
    """
    row, column = np.mgrid[0:SIZE, 0:SIZE]
    result = (low + 100 * number + step * row + column).astype("int16")
    result[:5, :5] = -10_000
    return result


def products() -> Iterator[Made]:
    """Yield one product or two of each collection."""
    yield from _muscate()
    yield _vip()
    yield _take5()
    yield from _land()
    yield from _snow_and_water()
    yield _parcels()
    yield from _upcoming()


def _muscate() -> Iterator[Made]:
    """Yield products of one GeoTIFF for each band, as Theia's MUSCATE makes them."""
    sentinel = ["B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B11", "B12"]
    classes = np.tile(np.arange(5, dtype="uint8"), (SIZE, SIZE // 5))
    yield _one(
        "THEIA_REFLECTANCE_SENTINEL2_L3A", "SENTINEL2X_20181015-000000-000_L3A_T31TCJ_D_V1-1",
        "FRC", sentinel, {"FLG_R1": classes}, start="2018-10-15T00:00:00Z",
    )  # fmt: skip
    clouds = np.zeros((SIZE, SIZE), "uint8")
    clouds[10:20, 10:20] = 3  # some cloud, and a cloud
    yield _one(
        "THEIA_REFLECTANCE_VENUS_VM1_L2A", "VENUS-XS_20190428-173944-000_L2A_ARM_D_V2-15", "FRE",
        [f"B{number}" for number in range(1, 13)], {"CLM_XS": clouds}, start="2019-04-28T17:39:44Z",
        grid=Grid(32631, 367_000, 4_818_000, 5, SIZE, SIZE),
    )  # fmt: skip
    yield _one(
        "THEIA_REFLECTANCE_LANDSAT8_L2A",
        "LANDSAT8-OLITIRS-XS_20180704-104500-000_L2A_T31TCJ_C_V1-10", "FRE",
        [f"B{number}" for number in range(1, 8)], {"CLM_XS": clouds}, start="2018-07-04T10:45:00Z",
        grid=Grid(32631, 367_000, 4_818_000, 30, SIZE, SIZE),
    )  # fmt: skip


def _one(
    collection: str,
    name: str,
    kind: str,
    bands: Iterable[str],
    masks: Mapping[str, Any],
    *,
    start: str,
    grid: Grid = TILE,
) -> Made:
    members = {
        f"{name}/{name}_{kind}_{band}.tif": geotiff(plane(place), grid)
        for place, band in enumerate(bands, start=1)
    }
    members |= {
        f"{name}/MASKS/{name}_{mask}.tif": geotiff(pixels, grid) for mask, pixels in masks.items()
    }
    return Made(collection, name, BBOX, start, {f"{name}.zip": zipped(members)})


def _vip() -> Made:
    """Return a product of VENUS of before 2019: one file of twelve bands, reflectance x 1000."""
    name = "VE_VM01_VSC_L2VALD_ARM_____20180707"
    cube = np.stack([plane(number) for number in range(1, 13)])
    grid = Grid(32631, 367_000, 4_818_000, 5, SIZE, SIZE)
    members = {
        f"{name}.HDR": b"<Earth_Explorer_Header/>",
        f"{name}.DBL.DIR/{name}_SRE.DBL.TIF": geotiff(cube, grid),
    }
    return Made(
        "THEIA_REFLECTANCE_VENUS_VM1_L2A", name, BBOX, "2018-07-07T17:30:00Z",
        {f"{name}.zip": zipped(members)},
    )  # fmt: skip


def _take5() -> Made:
    name = "SPOT4_HRVIR_XS_20130305_N2A_CSudmipy-OD0000B0000"
    cube = np.stack([plane(number) for number in range(1, 5)])
    flags = np.zeros((SIZE, SIZE), "uint8")
    members = {
        f"{name}/{name.replace('N2A', 'N2A_ORTHO_SURF_CORR_PENTE')}.TIF": geotiff(cube, TILE),
        f"{name}/{name.replace('N2A', 'N2A_ORTHO_SURF_CORR_ENV')}.TIF": geotiff(cube + 1, TILE),
        **{
            f"{name}/MASK/{name}_{mask}.TIF": geotiff(flags, TILE) for mask in ("NUA", "SAT", "DIV")
        },
    }
    return Made(
        "THEIA_REFLECTANCE_SPOT4_TAKE5_L2A", name, BBOX, "2013-03-05T10:30:00Z",
        {f"{name}.zip": zipped(members)},
    )  # fmt: skip


def _land() -> Iterator[Made]:
    """Yield land cover of two nomenclatures."""
    for year, numbers in ((2017, (11, 12, 31, 211, 222)), (2018, (1, 5, 6, 16, 23))):
        pixels = np.repeat(np.array(numbers, "uint8"), SIZE // 5)[None].repeat(SIZE, 0)
        members = {f"OCS_{year}_CESBIO/OCS_{year}_CESBIO.tif": geotiff(pixels, LAMBERT, nodata=0)}
        yield Made(
            "THEIA_OSO_RASTER_L3B", f"OCS_{year}_CESBIO", BBOX, f"{year}-01-01T00:00:00Z",
            {f"OCS_{year}_CESBIO.zip": zipped(members)}, end=f"{year}-12-31T23:59:59Z",
        )  # fmt: skip


def _snow_and_water() -> Iterator[Made]:
    """Yield maps of snow in two forms, and of matter in water."""
    snow = np.repeat(np.array((0, 100, 205, 254), "uint8"), SIZE // 4)[None].repeat(SIZE, 0)
    name = "SENTINEL2A_20180101-105100-456_L2B-SNOW_T31TCH_D_V1-0"
    yield Made(
        "THEIA_SNOW_SENTINEL2_L2B", name, BBOX, "2018-01-01T10:51:00Z",
        {f"{name}.zip": zipped({f"{name}/{name}_SNW_R2.tif": geotiff(snow, TILE, nodata=254)})},
    )  # fmt: skip
    part = np.repeat(np.array((0, 37, 100, 205, 255), "uint8"), SIZE // 5)[None].repeat(SIZE, 0)
    name = "LIS_S2-SNOW-FSC_T31TCH_20220104T105439_1.10_1"
    stem = f"{name}/{name}"
    members = {
        f"{stem}.tif": geotiff(part, TILE, nodata=255),
        f"{stem.replace('FSC', 'FSC-QCFLAGS')}.tif": geotiff(part * 0, TILE),
    }
    yield Made(
        "THEIA_SNOW_SENTINEL2_L2B", name, BBOX, "2022-01-04T10:54:39Z",
        {f"{name}.zip": zipped(members)},
    )  # fmt: skip
    name = "SENTINEL2A_20200415-105031-456_L2B-WATER_T31TCJ_D_V1-0"
    matter = np.where(plane(0) < 0, -10_000, plane(0) / 100).astype("float32")
    yield Made(
        "THEIA_WATERQUAL_SENTINEL2_L2B", name, BBOX, "2020-04-15T10:50:31Z",
        {f"{name}.zip": zipped({f"{name}/{name}_SPM-R1.tif": geotiff(matter, TILE)})},
    )  # fmt: skip


def _upcoming() -> Iterator[Made]:
    """Yield heights and temperatures of missions whose format is a guess."""
    heights = np.where(plane(0) < 0, -32_768, plane(0) / 10).astype("float32")
    name = "CO3D_20260401_TOULOUSE"
    members = {
        f"{name}/dsm.tif": geotiff(heights, TILE, nodata=-32_768),
        f"{name}/performance_map.tif": geotiff((heights * 0 + 1).astype("float32"), TILE),
    }
    yield Made("CO3D_DSM", name, BBOX, "2026-04-01T10:50:00Z", {f"{name}.zip": zipped(members)})
    warm = np.where(plane(0) < 0, np.nan, 270 + plane(0) / 100).astype("float32")
    name = "TRISHNA_L2_20260701_31TCJ"
    members = {
        f"{name}/{name}_LST.tif": geotiff(warm, TILE, nodata=np.nan),
        f"{name}/{name}_LST_err.tif": geotiff(warm * 0 + 1, TILE, nodata=np.nan),
        f"{name}/{name}_EmisWB.tif": geotiff(warm / 400, TILE, nodata=np.nan),
    }
    yield Made(
        "TRISHNA_L2_LST", name, BBOX, "2026-07-01T13:00:00Z", {f"{name}.zip": zipped(members)}
    )


def _parcels() -> Made:
    """Return land cover as polygons: three squares of a department."""
    import geopandas
    from shapely.geometry import box

    left, top = LAMBERT.x, LAMBERT.y
    squares = [box(left + 500 * k, top - 500, left + 500 * k + 400, top - 100) for k in range(3)]
    columns = {
        "ID": [1, 2, 3], "Classe": [5, 16, 23], "Validmean": [20.0, 21.0, 22.0],
        "Confidence": [90.0, 80.0, 99.0], "Aire": [160_000.0] * 3,
    }  # fmt: skip
    shapes = geopandas.GeoDataFrame(columns, geometry=squares, crs=LAMBERT.code)
    name = "departement_31_2018"
    return Made(
        "THEIA_OSO_VECTOR_L3B", name, BBOX, "2018-01-01T00:00:00Z",
        {f"{name}.zip": shapefile(shapes, name)}, end="2018-12-31T23:59:59Z",
    )  # fmt: skip
