"""Cubes as a table: what each block reads is worked out where it is read, from one small table.

odc-loader writes a task for each product, band and chunk: 500 products make a graph of some 7 MB and
seconds of work before anything is read. Where all products lie on the cube's own grid and none of them
must be mosaicked, a block needs no more than its number and the table. The same function reads cubes at
once, with threads and without Dask, mosaics and other grids included.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product as combinations
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt
from affine import Affine
from odc.geo.geobox import GeoBox

from geodes_datalab.cubes.engines.odc import load_params
from geodes_datalab.cubes.grid import seam
from geodes_datalab.cubes.grid.boxes import distinct
from geodes_datalab.cubes.plan.model import Layer, Plan
from geodes_datalab.cubes.read.pixels import Source, read_pixels
from geodes_datalab.cubes.read.views import fold


@dataclass(frozen=True)
class _Unpacked:
    """A table as it is used."""

    geobox: GeoBox
    layers: tuple[Layer, ...]
    groups: tuple[tuple[int, ...], ...]
    grids: tuple[GeoBox, ...]
    products: tuple[tuple[int, tuple[Source | None, ...]], ...]
    """Number of its grid, and the source of each layer."""


class Table:
    """A plan that travels to each worker once, in few bytes: nothing is written before it does.

    Parameters
    ----------
    plan
        What to read.
    chunks
        Size of a block along ``time``, ``y`` and ``x``.
    """

    def __init__(self, plan: Plan, chunks: Mapping[str, int]) -> None:
        self._plan = plan
        self.chunks = chunks["time"], chunks["y"], chunks["x"]

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as compressed JSON: addresses of products are much alike."""
        return _Arrived, (self._packed, self.chunks)

    @cached_property
    def _packed(self) -> bytes:
        return zlib.compress(json.dumps(_facts(self._plan), separators=(",", ":")).encode(), 1)

    @cached_property
    def known(self) -> _Unpacked:
        """What it tells."""
        plan = self._plan
        grids, numbers = _numbered(plan)
        names = [layer.name for layer in plan.layers]
        products = tuple(
            (numbers[id(item.grid)], tuple(item.sources.get(name) for name in names))
            for item in plan.products
        )
        return _Unpacked(plan.geobox, plan.layers, plan.groups, tuple(grids), products)


class _Arrived:
    """A table on a worker."""

    def __init__(self, packed: bytes, chunks: tuple[int, int, int]) -> None:
        self._packed, self.chunks = packed, chunks

    def __reduce__(self) -> tuple[Any, ...]:
        return _Arrived, (self._packed, self.chunks)

    @property
    def known(self) -> _Unpacked:
        return _unpacked(self._packed)


def suits(plan: Plan) -> bool:
    """Tell whether each time step is one product, and the cube's pixels are whole ones of all of them."""
    return all(len(group) == 1 for group in plan.groups) and all(
        fold(grid, plan.geobox) for grid in _grids(plan)
    )


def _grids(plan: Plan) -> list[GeoBox]:
    """Return the grids of all products, each once."""
    return list(dict.fromkeys(distinct(product.grid for product in plan.products)))


def _numbered(plan: Plan) -> tuple[list[GeoBox], dict[int, int]]:
    """Return all grids, and the number of each by its identity."""
    grids = {grid: index for index, grid in enumerate(_grids(plan))}
    numbers = {id(grid): grids[grid] for grid in distinct(item.grid for item in plan.products)}
    return list(grids), numbers


def _facts(plan: Plan) -> dict[str, Any]:
    """Write a plan down."""
    grids, numbers = _numbered(plan)
    names = [layer.name for layer in plan.layers]
    return {
        "geobox": _told(plan.geobox),
        "layers": [list(vars(layer).values()) for layer in plan.layers],
        "groups": plan.groups,
        "grids": [_told(grid) for grid in grids],
        "products": [
            [numbers[id(item.grid)], [item.sources.get(name) for name in names]]
            for item in plan.products
        ],
    }


def arrays(plan: Plan, chunks: Mapping[str, int]) -> dict[str, Any]:
    """Build a lazy array (time, y, x) for each variable, all from one table; see `odc_engine.arrays`."""
    import dask.array as da
    from dask.blockwise import blockwise
    from dask.delayed import delayed
    from dask.highlevelgraph import HighLevelGraph
    from dask.layers import ArrayBlockIdDep
    from dask.task_spec import TaskRef

    mark = uuid4().hex
    shared = delayed(Table(plan, chunks), name=f"cube-{mark}", traverse=False)
    sizes = [len(plan.groups), *plan.geobox.shape]
    blocks = tuple(_split(*item) for item in zip(sizes, _sizes(chunks), strict=True))
    made = {}
    for index, layer in enumerate(plan.layers):
        name = f"{layer.name}-{mark}"
        task = blockwise(
            read_block, name, "tyx", ArrayBlockIdDep(blocks), "tyx", TaskRef(shared.key), None,
            index, None, numblocks={}, dependencies=[shared],
        )  # fmt: skip
        graph = HighLevelGraph.from_collections(name, task, dependencies=[shared])
        made[layer.name] = da.Array(graph, name, blocks, dtype=np.dtype(layer.dtype))
    return made


def read_now(plan: Plan, chunks: Mapping[str, int], threads: int) -> dict[str, Any]:
    """Read arrays (time, y, x) at once, several blocks at a time.

    Parameters
    ----------
    plan
        What to read.
    chunks
        Size of a block along ``time``, ``y`` and ``x``.
    threads
        How many blocks are read at a time.

    Raises
    ------
    ReadError, ArchiveError
        A file could not be read.
    AuthenticationError, QuotaError, RequestError, ServiceError
        The server refused or failed.
    """
    shared = Table(plan, {**chunks, "time": 1})
    shape = (len(plan.groups), *plan.geobox.shape)
    made = {item.name: np.empty(shape, item.dtype) for item in plan.layers}
    sizes = [range(-(-size // chunk)) for size, chunk in zip(shape, shared.chunks, strict=True)]

    def read(job: tuple[int, Layer, tuple[int, int, int]]) -> None:
        index, layer, block = job
        where = tuple(
            slice(number * chunk, (number + 1) * chunk)
            for number, chunk in zip(block, shared.chunks, strict=True)
        )
        read_block(block, shared, index, made[layer.name][where])

    jobs = [
        (index, layer, (time, y, x))
        for time, y, x in combinations(*sizes)
        for index, layer in enumerate(plan.layers)
    ]
    with ThreadPoolExecutor(max(1, threads), thread_name_prefix="geodes-load") as pool:
        running = [pool.submit(read, job) for job in jobs]
        try:
            for item in running:
                item.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return made


def read_block(
    block: tuple[int, int, int],
    shared: Table | _Arrived,
    index: int,
    out: npt.NDArray[Any] | None = None,
) -> Any:
    """Read one block (time, y, x) of one variable; where products overlap, the first value wins.

    Parameters
    ----------
    block
        Its number along each dimension.
    shared
        The table.
    index
        Number of the variable.
    out
        Array (time, y, x) that they are put in; a new one where not given.
    """
    known = shared.known
    layer = known.layers[index]
    first, rows, columns = (
        number * size for number, size in zip(block, shared.chunks, strict=True)
    )
    times = known.groups[first : first + shared.chunks[0]]
    height, width = known.geobox.shape
    part = known.geobox[  # it would go on beyond its end
        rows : min(rows + shared.chunks[1], height),
        columns : min(columns + shared.chunks[2], width),
    ]
    pixels = np.empty((len(times), *part.shape), layer.dtype) if out is None else out
    for plane, group in zip(pixels, times, strict=True):
        _fill(plane, _touching(known, group, index, part), layer, part)
    return pixels


def _fill(
    plane: npt.NDArray[Any], files: Iterable[tuple[Source, GeoBox]], layer: Layer, part: GeoBox
) -> None:  # fmt: skip
    """Read a part of one time step."""
    empty = True
    for source, grid in files:
        room = plane if empty else None
        where, result = read_pixels(source, load_params(layer), part, grid, out=room)
        if not empty:
            _paste(plane[where], result, layer.fill)
        elif result is not plane:
            if result.shape != plane.shape:
                plane[:] = layer.fill
            plane[where] = result
        empty = False
    if empty:
        plane[:] = layer.fill


def _touching(
    known: _Unpacked, group: tuple[int, ...], index: int, part: GeoBox
) -> Iterator[tuple[Source, GeoBox]]:
    """Yield the files of a time step that have pixels in a part; no other one is opened.

    With each comes the grid it should have.
    """
    for number in group:
        grid, sources = known.products[number]
        source = sources[index]
        if source is not None and _meet(known.grids[grid], part):
            yield source, known.grids[grid]


def _meet(grid: GeoBox, part: GeoBox) -> bool:
    """Tell whether two grids may have pixels in common; where they differ, reading itself will tell."""
    return grid.crs != part.crs or seam.meet(grid, part)


def _paste(target: Any, found: Any, fill: float) -> None:
    empty = np.isnan(target) if np.isnan(fill) else target == fill
    np.copyto(target, found, where=empty)


def _sizes(chunks: Mapping[str, int]) -> tuple[int, int, int]:
    return chunks["time"], chunks["y"], chunks["x"]


def _split(size: int, chunk: int) -> tuple[int, ...]:
    whole, rest = divmod(size, chunk)
    return (chunk,) * whole + ((rest,) if rest else ())


def _told(grid: GeoBox) -> list[Any]:
    return [list(grid.shape), list(grid.transform)[:6], str(grid.crs)]


@lru_cache(maxsize=8)
def _unpacked(packed: bytes) -> _Unpacked:
    facts = json.loads(zlib.decompress(packed))

    def geobox(told: list[Any]) -> GeoBox:
        return GeoBox(tuple(told[0]), Affine(*told[1]), told[2])

    return _Unpacked(
        geobox(facts["geobox"]),
        tuple(Layer(*item) for item in facts["layers"]),
        tuple(tuple(group) for group in facts["groups"]),
        tuple(geobox(item) for item in facts["grids"]),
        tuple(
            (grid, tuple(None if item is None else Source.told(item) for item in sources))
            for grid, sources in facts["products"]
        ),
    )
