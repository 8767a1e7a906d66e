"""One reading of far archives by one library, in a process of its own: prints seconds, memory, checksum.

``python archive_peers.py WORK PEER URL FOLDER`` is what `test_archives` runs.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import rasterio
from archive_site import BANDS, COG_SIDE, DATES, KEY, MEMBER, ORIGIN, PRODUCTS, SIDE
from memory import peak
from odc.geo.geobox import GeoBox

WORK, PEER, URL, SIZE = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
LIBRARIES = ("remotezip", "stackstac")
TOP, LEFT, WINDOW = 7_300, 7_000, 512
GDAL = {
    "GDAL_HTTP_HEADERS": f"X-API-Key: {KEY}",
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_NUM_THREADS": "1",
}


def grid(side: int = SIDE, step: int = 10) -> GeoBox:
    from affine import Affine

    return GeoBox((side, side), Affine(step, 0, ORIGIN[0], 0, -step, ORIGIN[1]), "EPSG:32631")


def chain(number: int, band: str) -> str:
    return f"/vsizip/{{/vsicurl/{URL}/far/p{number:02d}.zip}}/{MEMBER.format(band)}"


def plan(geobox: GeoBox, products: list[tuple[GeoBox, dict[str, Any]]]) -> Any:
    from geodes_datalab.cubes.plan.model import Layer, Plan, Product

    names = list(products[0][1])
    layers = tuple(Layer(name, name, "uint16", 0, "nearest") for name in names)
    made = tuple(
        Product(str(number), str(number), datetime(2024, 1, number % 28 + 1), box, sources)  # noqa: DTZ001 - as plans have it
        for number, (box, sources) in enumerate(products)
    )
    return Plan(layers, made, geobox, tuple((index,) for index in range(len(made))))


def ours(geobox: GeoBox, products: list[tuple[GeoBox, dict[str, Any]]], threads: int) -> Any:
    from geodes_datalab.cubes.engines import table as table_engine

    chunks = {"time": 1, "y": int(geobox.shape[0]), "x": int(geobox.shape[1])}
    return table_engine.read_now(plan(geobox, products), chunks, threads)


def zips(count: int, bands: tuple[str, ...]) -> list[tuple[GeoBox, dict[str, Any]]]:
    from geodes_datalab.cubes.read.pixels import Source

    return [
        (grid(), {one: Source("P", one, chain(number, one), SIZE) for one in bands})
        for number in range(count)
    ]


def part() -> GeoBox:
    return grid()[TOP : TOP + WINDOW, LEFT : LEFT + WINDOW]


def window_ours() -> Any:
    return ours(part(), zips(1, ("B03",)), 1)


def window_vsizip() -> Any:
    with rasterio.Env(**GDAL), rasterio.open(chain(0, "B03")) as file:
        return file.read(1, window=((TOP, TOP + WINDOW), (LEFT, LEFT + WINDOW)))


def window_remotezip() -> Any:
    from rasterio.io import MemoryFile
    from remotezip import RemoteZip

    with RemoteZip(f"{URL}/far/p00.zip", headers={"X-API-Key": KEY}) as archive:
        data = archive.read(MEMBER.format("B03"))
    with MemoryFile(data, ext=".jp2") as memory, memory.open() as file:
        return file.read(1, window=((TOP, TOP + WINDOW), (LEFT, LEFT + WINDOW)))


def cube_ours() -> Any:
    return ours(part(), zips(PRODUCTS, BANDS), 16)


def cube_odc() -> Any:
    hrefs = [{band: chain(number, band) for band in BANDS} for number in range(PRODUCTS)]
    return odc(hrefs, part(), SIDE, 16, GDAL)


def odc(hrefs: list[dict[str, str]], geobox: GeoBox, side: int, pool: int, options: Any) -> Any:
    import odc.stac
    import pystac

    odc.stac.configure_rio(cloud_defaults=True, **options)
    items = [pystac.Item.from_dict(one) for one in described(hrefs, side)]
    cube = odc.stac.load(items, bands=list(BANDS), geobox=geobox, pool=pool)
    return {band: cube[band].values for band in BANDS}


def described(
    hrefs: list[dict[str, str]], side: int, *, size: int | None = None
) -> list[dict[str, Any]]:
    extent = grid(side).geographic_extent
    box = list(extent.boundingbox)
    return [
        {
            "type": "Feature", "stac_version": "1.0.0", "id": f"x{number:04d}", "collection": "far",
            "stac_extensions": ["https://stac-extensions.github.io/projection/v1.1.0/schema.json"],
            "bbox": box, "links": [], "geometry": extent.json,
            "properties": {
                "datetime": f"{2024 + number // 336}-{number // 28 % 12 + 1:02d}-{number % 28 + 1:02d}T10:56:31Z",
                "proj:epsg": 32631,
            },
            "assets": {
                band: {
                    "href": href, "type": "image/tiff; application=geotiff", "roles": ["data"],
                    "proj:shape": [side, side],
                    "proj:transform": [10, 0, ORIGIN[0], 0, -10, ORIGIN[1]],
                    "raster:bands": [{"data_type": "uint16", "nodata": 0, "scale": 1e-4, "offset": 0}],
                    **({"file:size": size} if size else {}),
                }
                for band, href in one.items()
            },
        }
        for number, one in enumerate(hrefs)
    ]  # fmt: skip


def overview_ours() -> Any:
    from geodes_datalab import _http, config
    from geodes_datalab.cubes.archive.copies import Place, View, decoded
    from geodes_datalab.cubes.archive.reader import lent
    from geodes_datalab.cubes.archive.window import Window

    place = Place(f"{URL}/far/p00.zip", SIZE, MEMBER.format("B03"))
    everything = View(Window(0, 0, SIDE, SIDE), 4)
    with (
        rasterio.Env(GDAL_NUM_THREADS="1"),
        _http.Client(config.load()) as client,
        lent(client, place, lambda _: everything) as path,
    ):
        found = decoded(path, everything.window, everything.level)
    assert found is not None
    return found


def overview_ours8() -> Any:
    os.environ["GEODES_MAX_REQUESTS"] = "8"
    return overview_ours()


def overview_vsizip() -> Any:
    with rasterio.Env(**GDAL), rasterio.open(chain(0, "B03"), overview_level=3) as file:
        return file.read(1)


def cog_part() -> GeoBox:
    return grid(COG_SIDE)[1_300:2_324, 1_500:2_524]


def cogs_ours() -> Any:
    from geodes_datalab.cubes.read.pixels import Source

    def source(date: int, band: str) -> Source:
        address = f"{URL}/cogs/d{date:02d}_{band}.tif"
        return Source("P", band, f"/vsicurl/{address}", int(SIZES[band]))

    products = [
        (grid(COG_SIDE), {band: source(date, band) for band in BANDS}) for date in range(DATES)
    ]
    return ours(cog_part(), products, 16)


def cogs_odc() -> Any:
    hrefs = [
        {band: f"{URL}/cogs/d{date:02d}_{band}.tif" for band in BANDS} for date in range(DATES)
    ]
    return odc(hrefs, cog_part(), COG_SIDE, 8, {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"})


HREFS = [
    {band: f"{URL}/cogs/{number:04d}/product_{band}.tif" for band in BANDS} for number in range(500)
]
BUILDS = 5


def least(build: Callable[[], Any]) -> Any:
    """Build several times; keep the shortest time, as imports and caches are paid once."""
    times = []
    for _ in range(BUILDS):
        start = time.perf_counter()
        built = build()
        times.append(time.perf_counter() - start)
    return built, min(times)


def lazy_ours() -> Any:
    import geodes_datalab as gd

    items = described(HREFS, COG_SIDE)
    return least(lambda: gd.load(items, chunks=1024, groupby="id", raw=True))


def lazy_arrays() -> Any:
    """The arrays alone, from a plan that is at hand."""
    from geodes_datalab.cubes.engines import table as table_engine
    from geodes_datalab.cubes.read.pixels import Source

    products = [
        (
            grid(COG_SIDE),
            {band: Source("P", band, f"/vsicurl/{href}") for band, href in one.items()},
        )
        for one in HREFS
    ]
    made = plan(grid(COG_SIDE), products)
    return least(lambda: table_engine.arrays(made, {"time": 1, "y": 1024, "x": 1024}))


def lazy_odc() -> Any:
    import odc.stac
    import pystac

    items = [pystac.Item.from_dict(one) for one in described(HREFS, COG_SIDE)]
    return least(
        lambda: odc.stac.load(
            items,
            bands=list(BANDS),
            geobox=grid(COG_SIDE),
            chunks={"x": 1024, "y": 1024},
            groupby="id",
        )
    )


def lazy_stackstac() -> Any:
    import stackstac

    items = described(HREFS, COG_SIDE)
    return least(
        lambda: stackstac.stack(
            items,
            assets=list(BANDS),
            epsg=32631,
            resolution=10,
            chunksize=1024,
            bounds=tuple(grid(COG_SIDE).boundingbox),
            dtype="uint16",
            fill_value=np.uint16(0),
            rescale=False,
        )
    )


def graph_size(built: Any) -> float:
    import cloudpickle

    if isinstance(built, dict):
        graph: Any = [one.dask for one in built.values()]
    else:
        graph = built.__dask_graph__()
    return len(cloudpickle.dumps(graph)) / 1e6


def main() -> None:
    os.environ |= {
        "GEODES_API_KEY": KEY, "GEODES_PORTAL": URL, "GEODES_DIALECT": "stac",
        "GEODES_CACHE_DIR": tempfile.mkdtemp(prefix="far-"),
    }  # fmt: skip
    importlib.import_module("geodes_datalab.cubes.engines.table")  # imports are not measured

    for library in {"odc": ["odc.stac", "pystac"]}.get(PEER, [PEER] if PEER in LIBRARIES else []):
        importlib.import_module(library)
    work: Callable[[], Any] = globals()[f"{WORK}_{PEER}"]
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    pixels = work()
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    told = {
        "seconds": seconds,
        "processor": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak": peak(),
    }
    if WORK == "lazy":
        built, told["seconds"] = pixels
        told["graph"] = graph_size(built)
    else:
        bands = pixels.values() if isinstance(pixels, dict) else [pixels]
        told["sum"] = sum(int(np.asarray(one).astype("u8").sum()) for one in bands)
    print(json.dumps(told))


SIZES: dict[str, str] = dict(one.split("=") for one in sys.argv[5:])

if __name__ == "__main__":
    main()
