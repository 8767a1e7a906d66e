"""Which part of what is published becomes which item: one for each date, with a file for each variable."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import xarray as xr

from geodes_datalab import saving
from geodes_datalab._inputs.times import DatetimeLike, interval, iso
from geodes_datalab._whole import local_path
from geodes_datalab.errors import PublishError
from geodes_datalab.results.inputs import Inputs
from geodes_datalab.saving import geotiff, notes
from geodes_datalab.saving.naming import UNNAMED, format_of
from geodes_datalab.saving.places import with_coords
from geodes_datalab.stac.items.normalise import date_text

TIME = "time"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+@-]{0,99}")
_STAMP = "%Y%m%dT%H%M%S"


@dataclass(frozen=True)
class Piece:
    """What becomes an item."""

    id: str
    when: tuple[str, str]
    """First and last moment; the same for a date."""
    parts: dict[str, xr.Dataset | Path] = field(default_factory=dict, hash=False)
    """Key of the asset -> one variable at one date, or a file that another program wrote."""
    step: str = ""
    """Folder of its files while they are written."""


def safe(name: Any, what: str) -> str:
    """Return a name that is the name of a folder, and of nothing outside it.

    Raises
    ------
    PublishError
        It is none.

    Examples
    --------
    >>> safe("ndvi_2024", "name")
    'ndvi_2024'
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PublishError(
            f"{name!r} cannot be a {what}: it is the name of a folder and part of an address",
            "use letters without accents, digits, - _ . + and @, up to 100 of them, not beginning with a point",
        )
    return name


def read(what: Any) -> tuple[xr.Dataset | None, list[Path]]:
    """Return the cube that is published, or that saved files hold, and the files of other programs.

    Raises
    ------
    PublishError, CubeError
        It is neither a cube nor files.
    """
    if isinstance(what, xr.DataArray):
        return what.to_dataset(name=UNNAMED if what.name is None else what.name), []
    if isinstance(what, xr.Dataset):
        return what, []
    given = [what] if isinstance(what, str | os.PathLike) else what
    if (
        not isinstance(given, Sequence)
        or not given
        or not all(isinstance(one, str | os.PathLike) for one in given)
    ):
        raise PublishError(
            f"publish takes a cube or files, and this is of type {type(what).__name__}",
            "give a Dataset or DataArray, or the paths that save() returned",
        )
    paths = [Path(local_path(one)) for one in given]
    foreign = [one for one in paths if _is_foreign(one)]
    ours = [one for one in paths if one not in foreign]
    cube: Any = saving.open(ours if len(ours) > 1 else ours[0]) if ours else None
    return (read(cube)[0] if ours else None), foreign


def _is_foreign(path: Path) -> bool:
    """Tell whether a file is a GeoTIFF that `geodes_datalab.save` did not write."""
    if not path.is_file() or format_of(path, None) != "cog":
        return False
    with rasterio.open(path) as file:
        return notes.NAME not in file.tags()


def pieces(
    cube: xr.Dataset | None,
    files: Sequence[Path],
    name: str,
    *,
    datetime: DatetimeLike,
    inputs: Inputs,
) -> list[Piece]:
    """Split what is published into items.

    Parameters
    ----------
    cube, files
        See `read`.
    name
        Id of the item, or its beginning.
    datetime
        When it is of, where it does not tell.
    inputs
        Their dates count where nothing else tells any.

    Raises
    ------
    PublishError
        No date is known; two items would have the same id; a variable without the cube's dates.
    """
    result = [] if cube is None else list(_of_cube(with_coords(cube), name, datetime, inputs))
    for path in files:
        own = name if len(files) == 1 and cube is None else f"{name}_{path.stem}"
        when = _told(datetime, inputs) or _of_file(path) or _refuse_undated()
        result.append(Piece(safe(own, "name of an item"), when, {safe(path.stem, "file"): path}))
    if not result:
        raise PublishError("there is nothing to publish: the cube has no dates", "look at the cube")
    for one in result:
        if sum(other.id == one.id for other in result) > 1:
            raise PublishError(
                f"two items would be called {one.id}", "publish them one by one, with name="
            )
    return result


def _of_cube(
    cube: xr.Dataset, name: str, datetime: DatetimeLike, inputs: Inputs
) -> Iterator[Piece]:
    for variable in cube.data_vars:
        safe(variable, "name of a variable")
    if TIME not in cube.dims:
        when = _told(datetime, Inputs()) or _scalar(cube) or _told(None, inputs)
        yield Piece(
            name, when or _refuse_undated(), {str(one): cube[[one]] for one in cube.data_vars}
        )
        return
    _refuse_dateless(cube, datetime)
    moments = cube[TIME].values.astype("datetime64[us]").tolist()
    plain = len({one.strftime(_STAMP) for one in moments}) == len(moments)
    for at, moment in enumerate(moments):
        text = date_text(iso(moment))
        step = moment.strftime(f"{_STAMP}%f")
        stamp = moment.strftime(_STAMP if plain else f"{_STAMP}%f")
        parts = {str(one): cube[[one]].isel({TIME: [at]}) for one in cube.data_vars}
        yield Piece(f"{name}_{stamp}", (text, text), {**parts}, step)


def _refuse_dateless(cube: xr.Dataset, datetime: DatetimeLike) -> None:
    if datetime is not None:
        raise PublishError("the cube has dates of its own, and datetime= is given", "leave it out")
    if TIME not in cube.coords or cube[TIME].dtype.kind != "M" or np.isnat(cube[TIME]).any():
        raise PublishError(
            'the steps of "time" are no dates',
            'give them some: cube.assign_coords(time=["2024-05-03", ...])',
        )
    still = [str(one) for one, band in cube.data_vars.items() if TIME not in band.dims]
    if still:
        raise PublishError(
            f"{', '.join(still)} has no dates, and the other variables have",
            "publish it by itself, under another name: publish(cube[[...]], name=...)",
        )


def _told(datetime: DatetimeLike, inputs: Inputs) -> tuple[str, str] | None:
    span = interval(datetime)
    if span is None:
        return inputs.span
    if span.start is None or span.end is None:
        raise PublishError("datetime= has no end", 'give a moment, a day or "2024-01/2024-06"')
    return date_text(iso(span.start)), date_text(iso(span.end))


def _scalar(cube: xr.Dataset) -> tuple[str, str] | None:
    """Return the date that was selected of a cube, if its coordinate is still there."""
    if TIME not in cube.coords or cube[TIME].ndim or cube[TIME].dtype.kind != "M":
        return None
    text = date_text(iso(cube[TIME].values.astype("datetime64[us]").item()))
    return text, text


def _of_file(path: Path) -> tuple[str, str] | None:
    with rasterio.open(path) as file:
        told = str(file.tags().get("TIFFTAG_DATETIME") or "")
    if not re.fullmatch(r"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d", told):
        return None
    text = date_text(f"{told[:10].replace(':', '-')}T{told[11:]}Z")
    return text, text


def _refuse_undated() -> tuple[str, str]:
    raise PublishError(
        "it is not known of when the result is: an item needs a date",
        'give datetime="2024-05-03" or "2024-01/2024-06", or provenance= with the items that it was made of',
    )


def layout_of(part: xr.Dataset) -> geotiff.Layout:
    """Return how one variable lies in its file; nothing is computed.

    Raises
    ------
    CubeError, PublishError
        A GeoTIFF cannot hold it, or it does not say where on Earth it is.
    """
    result = geotiff.layout(part)
    if result.grid.crs is None:
        raise PublishError(
            f"{', '.join(map(str, part.data_vars))} has no CRS: nobody would find it on a map",
            "say which it is: cube.rio.write_crs(32631)",
        )
    return result
