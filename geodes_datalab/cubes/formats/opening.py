"""Products opened as they are, one or several of a kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from geodes_datalab import _http
from geodes_datalab._display import progress as progress_bar
from geodes_datalab._inputs.areas import area
from geodes_datalab._inputs.shapes import PlaceLike
from geodes_datalab._inputs.times import DatetimeLike
from geodes_datalab._inputs.words import WordsLike
from geodes_datalab._language import gettext
from geodes_datalab._types import Json
from geodes_datalab.cubes.attributes import SIMULATED
from geodes_datalab.cubes.formats.files import ProductFiles
from geodes_datalab.cubes.formats.registry import Native, Wanted, opener
from geodes_datalab.cubes.parse.products import item_dicts, reader_of, start_of
from geodes_datalab.cubes.plan import arguments
from geodes_datalab.cubes.share import credentials, sharing
from geodes_datalab.errors import CubeError
from geodes_datalab.stac.items.held import ItemsLike
from geodes_datalab.stac.readers import Reader

_ALONG = {"points": "point", "swath": "line", "harmonics": "time", "grid": "time"}
"""Layout -> dimension along which products follow each other."""


def open_products(
    items: ItemsLike,
    bands: WordsLike | None = None,
    *,
    bbox: PlaceLike | None = None,
    datetime: DatetimeLike | None = None,
    allow_provisional: bool = False,
    archives: str | Path | None = None,
    progress: bool | None = None,
) -> Native:
    """Open products as their format has them; see `geodes_datalab.open`."""
    chosen = item_dicts(items, datetime)
    reader = reader_of(chosen)
    wanted = Wanted(arguments.bands(bands), area(bbox, None))
    found = opened(
        chosen, reader, wanted, folder=archives, consent=allow_provisional, progress=progress
    )
    return joined(found, reader)


def opened(
    items: Sequence[Json],
    reader: Reader,
    wanted: Wanted,
    *,
    folder: str | Path | None = None,
    consent: bool = False,
    progress: bool | None = None,
) -> list[Native]:
    """Open products one after another.

    Parameters
    ----------
    items
        Item dictionaries of one collection.
    reader
        What describes it.
    wanted
        What of them is wanted.
    folder
        Where `geodes_datalab.download` left products.
    consent
        Whether the user takes products of which no format is public yet.
    progress
        Whether to show a bar.

    Raises
    ------
    CubeError
        Their format is provisional, and nobody agreed to that.
    """
    ask_consent(reader, consent=consent)
    result = []
    with (
        _http.Client(credentials.settings()) as client,
        progress_bar(
            total=len(items), label=gettext("opening"), unit="products",
            enabled=progress if len(items) > 1 else False,
        ) as bar,
    ):  # fmt: skip
        sharing.share(client.config)
        for item in items:
            own = reader.for_item(item)
            files = ProductFiles(item, client, folder)
            found = _timed(opener(own.kind)(files, own, item, wanted), own, item)
            result.append(_told(found, own, files.title))
            bar.update(1)
    return result


def ask_consent(reader: Reader, *, consent: bool) -> None:
    """Refuse products whose format nobody has published, unless the user agrees."""
    if reader.status == "provisional" and not consent:
        raise CubeError(
            f"no format of {reader.collection} is public yet: what this version knows of it is a guess",
            hint="to read such products all the same, and check what comes out: allow_provisional=True",
        )


def joined(found: Sequence[Native], reader: Reader) -> Native:
    """Return products of one layout as one, along their own dimension."""
    if len(found) == 1:
        return found[0]
    if reader.layout == "features":
        return _stacked(found)
    if reader.layout not in _ALONG:
        raise CubeError(
            f"products of {reader.collection} lie {reader.lies}, each in its own way",
            hint="open one at a time: geodes_datalab.open(items[0])",
        )
    along = _ALONG[reader.layout]
    try:
        result = xr.concat(
            [_step(one) if along == "time" else one for one in found], along, join="exact",
            combine_attrs="drop_conflicts", data_vars="minimal", coords="minimal", compat="override",
        )  # fmt: skip
        return result.sortby("time") if along == "time" else result
    except ValueError as error:
        raise CubeError(
            f"the products of {reader.collection} do not lie on the same pixels: {error}",
            hint="geodes_datalab.load(items) puts them on one grid; or open one at a time",
        ) from error


def _timed(product: Any, reader: Reader, item: Json) -> Any:
    """Say of when a product is, where its file does not and others may follow it in time."""
    if _ALONG.get(reader.layout) != "time" or "time" in product.coords:
        return product
    start = np.datetime64(start_of(item), "ns")
    return product.assign_coords(time=((), start, {"standard_name": "time"}))


def _step(product: xr.Dataset) -> xr.Dataset:
    """Make a product a step of time, with what its file tells of it alone: cycle, pass, version."""
    if "time" in product.dims:
        return product
    own = {
        name: ("time", [one.item()], one.attrs)
        for name, one in product.coords.items()
        if one.ndim == 0 and name not in ("time", "spatial_ref")
    }
    return product.drop_vars(own).expand_dims("time").assign_coords(own)


def _stacked(found: Sequence[Any]) -> Any:
    import pandas as pd

    result = pd.concat(found, ignore_index=True)
    result.attrs = found[0].attrs
    return result


def _told(product: Any, reader: Reader, title: str) -> Any:
    """Say where a product is from, and whether anybody has observed it."""
    simulated = title.endswith(SIMULATED)
    source = f"{reader.collection} {SIMULATED}" if simulated else reader.collection
    product.attrs |= {"title": title, "collection": reader.collection, "source": source}
    if reader.status == "provisional":
        product.attrs["comment"] = "no format is public yet: this reading is provisional"
    if isinstance(product, xr.Dataset):
        for variable in product.data_vars.values():
            variable.attrs["source"] = source
    return product
