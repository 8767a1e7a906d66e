"""Arguments of `load` that would be without effect beside others: refused, or told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from geodes_datalab._display import some
from geodes_datalab.cubes import notice
from geodes_datalab.cubes.plan.shelf import Shelf
from geodes_datalab.errors import CubeError, CubeWarning
from geodes_datalab.stac.readers import Reader


def check_clip(area: Any, *, clip: bool, all_touched: bool) -> Any:
    """Return an area; refuse to clip to nothing, and ``all_touched`` without clipping.

    Raises
    ------
    CubeError
        Either was asked for.
    """
    if all_touched and not clip:
        raise CubeError(
            "all_touched has no effect: nothing is clipped",
            hint="give clip=True and a geometry with it, or leave it out",
        )
    if clip and area is None:
        given = "clip and all_touched have" if all_touched else "clip has"
        raise CubeError(
            f"{given} no effect: there is nothing to clip to",
            hint="give geometry=, or leave them out",
        )
    return area


def check_threads(threads: Any, engine: str, usual: str) -> int | None:
    """Return how many parts are read at a time; None where nothing is read yet.

    Parameters
    ----------
    threads
        As the user gave it.
    engine
        The engine asked for: reading at once asks none.
    usual
        The engine that is taken where none is asked for.

    Raises
    ------
    CubeError
        It is no number of threads, or an engine was chosen in vain.
    """
    if threads is None:
        return None
    whole = hasattr(threads, "__index__") and not isinstance(threads, bool)
    if not whole or int(threads) < 1:
        raise CubeError(
            f"threads must be a number of threads, not {threads!r}",
            hint="give for example threads=16, or leave it out for a lazy cube",
        )
    if engine != usual:
        raise CubeError(
            f"engine={engine!r} has no effect with threads: what is read at once needs no engine",
            hint="leave one of them out",
        )
    return int(threads)


def check_archives(archives: Any, locator: Any) -> Any:
    """Return a folder; refuse it beside a locator, which would not look there.

    Raises
    ------
    CubeError
        Both were given.
    """
    if archives is not None and locator is not None:
        raise CubeError(
            "archives has no effect beside a locator, which finds the files by itself",
            hint="give one of them; geodes_datalab.cubes.Finder(client, archives) looks in a folder",
        )
    return archives


def refuse_in_vain(names: Sequence[str], reader: Reader) -> None:
    """Refuse arguments that products which are opened one by one have no use for.

    Raises
    ------
    CubeError
        There are some.
    """
    if names:
        raise CubeError(
            f"{', '.join(names)} would have no effect on {reader.collection}: its products ({reader.kind}) are "
            "opened one by one, as physical values, without what is missing or bad",
            hint="leave them out; geodes_datalab.open(item, bands) gives every variable of a product",
        )


def tell_unused_folder(shelf: Shelf | None) -> None:
    """Warn where none, or not all, of the files lie in the folder of downloads."""
    if shelf is None or not (shelf.missing or shelf.other):
        return
    total = len(shelf.found) + len(shelf.missing) + len(shelf.other)
    holds = "none" if not shelf.found else f"{len(shelf.found)} of {total} files"
    lacks = some(sorted({*shelf.missing.values(), *shelf.other.values()}))
    if shelf.other:
        lacks += (
            f" (of another size than the catalogue tells: {some(sorted(shelf.other.values()))})"
        )
    notice.warn(
        f"{shelf.folder} holds {holds} of the products: {lacks} are read from where the catalogue says. Give "
        "the folder that download() was given, run download() again for what is missing, or leave archives= "
        "out",
        CubeWarning,
    )
