"""From parsed items to a plan: which products, which grid, which files, which time steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import methodcaller
from typing import Any

from odc.geo.geobox import GeoBox

from geodes_datalab import _http, stac
from geodes_datalab.cubes import skipping
from geodes_datalab.cubes.grid import native, seam
from geodes_datalab.cubes.grid.boxes import named, step, touches, touching
from geodes_datalab.cubes.grid.output import ResolutionLike, output_grid
from geodes_datalab.cubes.numbers import Facts
from geodes_datalab.cubes.parse.products import Parsed, reader_of, titles
from geodes_datalab.cubes.parse.values import Told, Words, completed
from geodes_datalab.cubes.plan import doubt
from geodes_datalab.cubes.plan.files import Sources, at_hand, refuse_other_files, sources_of
from geodes_datalab.cubes.plan.locate import Locator
from geodes_datalab.cubes.plan.model import GroupBy, Layer, Plan, Product, group
from geodes_datalab.cubes.plan.readable import placed, readable
from geodes_datalab.cubes.plan.several import several
from geodes_datalab.cubes.plan.storing import Frame, Stored, meant, stored
from geodes_datalab.cubes.plan.tape import online
from geodes_datalab.cubes.read.pixels import Source, read_header
from geodes_datalab.errors import CubeError, GeodesError, UnknownBand
from geodes_datalab.stac.items.versions import ranks

Progress = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass(frozen=True)
class Wish:
    """What the user said about pixels."""

    area: Any = None
    crs: Any = None
    resolution: ResolutionLike | None = None
    resampling: native.ResamplingLike = "nearest"
    groupby: GroupBy = "solar_day"
    raw: bool = False
    clip: bool = False
    skips: skipping.Skips = field(default_factory=skipping.Skips)


def make_plan(
    parsed: Sequence[Parsed],
    wish: Wish,
    *,
    locator: Locator,
    client: _http.Client,
    progress: Progress = iter,
) -> tuple[Plan, dict[str, Stored]]:
    """Decide what will be read onto which pixels.

    Requests are sent for what metadata do not tell: whether products are online, the directories of
    their archives, and for items without projection fields the header of one file.

    Returns
    -------
    plan
        For an engine to carry out.
    stored
        By variable: what its numbers mean.

    Raises
    ------
    CubeError, UnknownBand, ProductOffline, RemoteError
    """
    parsed, doubted = doubt.checked(parsed)
    parsed = _within(parsed, wish.area)
    parsed = online(parsed, client, wish.skips.offline)
    with skipping.advising(wish.skips.on_error):
        parsed, sources = _located(parsed, wish, locator, client, progress)
        parsed, sources = several(*_with_any_band(parsed, sources, locator), client)
        products = _products(parsed, sources, client)
    if doubted:
        pairs = zip(parsed, products, strict=True)
        doubt.tell([(item, product.grid) for item, product in pairs], doubted)
    parsed, products = _touching(parsed, products, wish.area)
    grids = [product.grid for product in products]
    geobox = output_grid(grids, area=wish.area, crs=wish.crs, resolution=wish.resolution)
    groups = _groups(parsed, products, geobox, wish.groupby)
    names = _names(products, parsed)
    frame = Frame(
        geobox, products, groups, _words(names, parsed, products, client, raw=wish.raw),
        collection=str(parsed[0].item.get("collection") or ""),
        raw=wish.raw, clipped=(wish.clip and wish.area is not None) or wish.skips.on_error == "skip",
        described=parsed[0].container == "asset", shifts=parsed[0].shifts,
    )  # fmt: skip
    bands = {name: parsed[0].bands[name] for name in names}
    methods = native.methods(wish.resampling, bands, partial(_reader, parsed))
    variables = {name: stored(name, band, frame) for name, band in bands.items()}
    layers = tuple(
        Layer(name, item.band.name, item.dtype, item.fill, methods[name])
        for name, item in variables.items()
    )
    return Plan(layers, tuple(meant(frame, variables)), geobox, groups), variables


def _reader(parsed: Sequence[Parsed]) -> stac.Reader:
    """Return what knows all names of the first item's bands."""
    return reader_of([item.item for item in parsed]).for_item(parsed[0].item)


def _groups(
    parsed: Sequence[Parsed], products: Sequence[Product], geobox: GeoBox, how: GroupBy
) -> tuple[tuple[int, ...], ...]:
    """Sort products into time steps; of one acquisition, the newest version comes first."""
    longitude = _longitude(geobox) if how == "solar_day" else 0.0
    starts, ids = [one.start for one in products], [one.id for one in products]
    steps = group(starts, ids, how, longitude)
    together = [place for step in steps if len(step) > 1 for place in step]
    newest = ranks([parsed[one].item for one in together], [starts[one] for one in together])
    rank = dict(zip(together, newest, strict=True))
    return tuple(
        tuple(sorted(step, key=lambda one: (rank[one], starts[one], ids[one])))
        if step[1:]
        else step
        for step in steps
    )


def _located(
    parsed: Sequence[Parsed], wish: Wish, locator: Locator, client: _http.Client, progress: Progress
) -> tuple[Sequence[Parsed], list[Sources]]:
    """Find the files of all products; look at each of them where some may be left out."""
    find = partial(sources_of, locator=locator)
    if wish.skips.on_error == "skip":
        tried = list(progress(client.map(partial(readable, find=find), parsed)))
        return placed(parsed, tried)
    sources = at_hand(parsed, locator)
    if sources is None:
        sources = list(progress(client.map(find, parsed)))
    return parsed, sources


def _longitude(geobox: GeoBox) -> float:
    middle = float(seam.lonlat(geobox).centroid.x)
    return middle if middle <= 180 else middle - 360


def _within(parsed: Sequence[Parsed], area: Any) -> Sequence[Parsed]:
    """Leave out what does not touch the area, as far as metadata tell, before any request is sent."""
    told = [item for item in parsed if item.grids]
    if area is None or not told:
        return parsed
    finest = {id(item.grids): item.grids for item in told}  # those of a tile share theirs
    grid = {key: min(grids.values(), key=step) for key, grids in finest.items()}
    grids = [grid[id(item.grids)] for item in told]
    hits = touching(grids, area) if len(told) == len(parsed) else touches(grids, area)
    out = {id(item) for item, hit in zip(told, hits, strict=True) if not hit}
    return [item for item in parsed if id(item) not in out]


def _with_any_band(
    parsed: Sequence[Parsed], sources: Sequence[Sources], locator: Locator
) -> tuple[list[Parsed], list[Sources]]:
    refuse_other_files(parsed, sources, locator)
    pairs = [(item, result) for item, result in zip(parsed, sources, strict=True) if result]
    if not pairs:
        wanted = ", ".join(parsed[0].bands)
        raise UnknownBand(
            f"none of the {len(parsed)} products holds {wanted}: {titles(parsed)}",
            hint="load other bands, or other products",
        )
    return [item for item, _ in pairs], [result for _, result in pairs]


def _names(products: Sequence[Product], parsed: Sequence[Parsed]) -> list[str]:
    """Return the bands that there are; refuse the cube if one asked for by name is nowhere."""
    there: set[str] = set()
    for product in products:
        there.update(product.sources)
        if len(there) == len(parsed[0].bands):
            break
    missing = [name for name in parsed[0].bands if name not in there]
    if missing and parsed[0].by_name:
        raise UnknownBand(
            f"none of the {len(parsed)} products holds {', '.join(missing)}: {titles(parsed)}",
            hint=f"they hold: {', '.join(sorted(there))}",
        )
    return [name for name in parsed[0].bands if name in there]


def _products(
    parsed: Sequence[Parsed], sources: Sequence[Sources], client: _http.Client
) -> list[Product]:
    """Make products; those whose metadata tell no grid are asked, several at a time."""
    grids = _finest(parsed, sources)
    unknown = [
        _finest_readable(item, result)
        for item, result, grid in zip(parsed, sources, grids, strict=True)
        if grid is None
    ]
    read = (
        (named(header.grid) for header in client.map(read_header, unknown)) if unknown else iter(())
    )
    made = [
        Product(item.id, item.title, item.start, next(read) if grid is None else grid, result)
        for item, result, grid in zip(parsed, sources, grids, strict=True)
    ]
    for product in made:
        if product.grid.crs is None:
            raise CubeError(
                f"{product.title} has no coordinate reference system",
                hint="its pixels are in the geometry of the sensor; load a geocoded collection instead",
            )
    return made


def _finest_readable(one: Parsed, found: Sources) -> Source:
    """Return the file of the finest band, of those that can be read."""
    there = (name for name, file in found.items() if file.care != "lost")
    return found[min(there, key=lambda name: one.bands[name].gsd)]


def _finest(parsed: Sequence[Parsed], sources: Sequence[Sources]) -> list[GeoBox | None]:
    """Return the finest grid of the bands of each product; None where metadata tell none."""
    known: dict[tuple[int, tuple[str, ...]], GeoBox | None] = {}
    result = []
    for item, files in zip(parsed, sources, strict=True):
        key = id(item.grids), tuple(files)
        if key not in known:
            grids = (item.grids[name] for name in files if name in item.grids)
            known[key] = min(grids, key=step, default=None)
        result.append(known[key])
    return result


def _words(
    names: Sequence[str],
    parsed: Sequence[Parsed],
    products: Sequence[Product],
    client: _http.Client,
    *,
    raw: bool,
) -> list[Words]:
    """Return what is told of the numbers in each product's files: by the catalogue, else by the files.

    Physical values are made file by file, where each is read: one header tells what they are called.
    """
    words = [one.told for one in parsed]
    if parsed[0].container != "asset":
        return words
    asked: dict[tuple[int, str], Source] = {}
    for name in names:
        flags = parsed[0].bands[name].role == "mask"
        each = raw or flags
        lacking = _files(name, words, products, methodcaller("lacks", stored=each))
        asked |= dict(list(lacking.items())[: None if each else 1])
        if raw and not flags:
            untold = _files(name, words, products, lambda one: not one.scaled)
            asked |= _scaled_by_files({key: untold[key] for key in untold if key not in asked})
    if not asked:
        return words
    needed = [not words[index][name].dtype or raw for index, name in asked]
    result = client.map(_told_by_file, zip(asked.values(), needed, strict=True))
    told = {one: facts for one, facts in zip(asked, result, strict=True) if facts}
    return completed(words, told)


def _files(
    name: str, words: Sequence[Words], products: Sequence[Product], lack: Callable[[Told], bool]
) -> dict[tuple[int, str], Source]:
    """Return the files of a band, by the number of the product, of which the catalogue tells too little."""
    distinct = {id(item): lack(item[name]) for item in words}
    if not any(distinct.values()):
        return {}
    return {
        (index, name): file
        for index, product in enumerate(products)
        if (file := product.sources.get(name))
        and file.care != "lost"
        and distinct[id(words[index])]
    }


def _scaled_by_files(untold: dict[tuple[int, str], Source]) -> dict[tuple[int, str], Source]:
    """Return files if they tell the scale that the catalogue does not, for which the first is looked at."""
    if not untold:
        return {}
    facts = _told_by_file((next(iter(untold.values())), False))
    told = facts is not None and (facts.scale is not None or facts.offset is not None)
    return untold if told else {}


def _told_by_file(one: tuple[Source, bool]) -> Facts | None:
    """Read what a file tells; None where it cannot be read and is not needed for the plan."""
    source, needed = one
    try:
        return read_header(source).facts
    except GeodesError:
        if needed:
            raise
        return None


def _touching(
    parsed: Sequence[Parsed], products: Sequence[Product], area: Any
) -> tuple[list[Parsed], list[Product]]:
    if area is None or all(item.grids for item in parsed):  # `_within` has done it
        return list(parsed), list(products)
    hits = touching([product.grid for product in products], area)
    return (
        [item for item, hit in zip(parsed, hits, strict=True) if hit],
        [item for item, hit in zip(products, hits, strict=True) if hit],
    )
