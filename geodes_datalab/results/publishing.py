"""The verb `publish`: a result becomes items of a STAC collection, files and all."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from datetime import datetime as clock
from pathlib import Path
from typing import Any

import xarray as xr

import geodes_datalab
from geodes_datalab import config
from geodes_datalab._inputs.times import DatetimeLike, iso
from geodes_datalab._language import gettext
from geodes_datalab._types import Json
from geodes_datalab._whole import local_path
from geodes_datalab.errors import PublishError, near
from geodes_datalab.results import catalogues, describing
from geodes_datalab.results.checking import check
from geodes_datalab.results.describing import CONTENT, VISIBILITY, Facts
from geodes_datalab.results.inputs import Inputs
from geodes_datalab.results.licences import licence_of, refuse_forbidden
from geodes_datalab.results.pieces import Piece, pieces, read, safe
from geodes_datalab.results.publication import Outcome, Publication
from geodes_datalab.results.shelf import FOLDERS, Shelf, Visibility, user
from geodes_datalab.results.writing import finished, stage, write
from geodes_datalab.saving.opening import PathsLike
from geodes_datalab.stac.items.held import ItemsLike


@dataclass(frozen=True)
class _Wish:
    """What is to be published where, read and checked."""

    shelf: Shelf
    facts: Facts
    cube: xr.Dataset | None
    pieces: Sequence[Piece]
    drafts: Mapping[str, Json]
    """Items without sizes, checksums and addresses, by id."""
    replace: bool
    told: tuple[bool, bool]
    """Whether title and visibility were given."""


def publish(
    what: xr.Dataset | xr.DataArray | PathsLike,
    *,
    collection: str,
    # under which conditions
    licence: str | None = None,
    visibility: Visibility | None = None,
    # what it is
    title: str | None = None,
    description: str = "",
    provenance: ItemsLike | None = None,
    lineage: str = "",
    citation: str = "",
    datetime: DatetimeLike | None = None,
    name: str | None = None,
    # how
    place: str | os.PathLike[str] | None = None,
    replace: bool = False,
    dry_run: bool = False,
    progress: bool | None = None,
) -> Publication:
    """Publish a result as a STAC catalogue: files that every STAC tool reads, and `geodes_datalab.search` finds.

    Each date of a cube becomes an item, with a cloud-optimised GeoTIFF for each variable. Publishing the same
    again changes nothing. What breaks off, at whatever moment, leaves a valid catalogue behind, and several
    processes may publish into one collection at the same time.

    Parameters
    ----------
    what
        A cube, or files: what `geodes_datalab.save` wrote, or GeoTIFFs of other programs, which are copied.
    collection
        Id of your collection; it is made where it is missing.
    licence
        Under which others may use it, by SPDX's name: ``"etalab-2.0"``, ``"CC-BY-4.0"`` ... Licences of the
        inputs (``provenance``) may forbid some.
    visibility
        ``"private"`` (you alone), ``"group"`` (your group on the disk) or ``"public"`` (everybody who reaches the
        folder): permissions of the folder. By default that of the collection, private if it is new.
    title, description
        Of the collection; the title is its id where not given.
    provenance
        The items that the result was made of: they are linked, and their licences are heeded.
    lineage
        How it was made, in your words; by default which products it was made of.
    citation
        How to cite it.
    datetime
        When it is of, where the cube has no dates: a day, a moment, or ``"2024-01/2024-06"``. Where it is not
        given either, the dates of the inputs.
    name
        Id of the item, or its beginning where there are several; by default the collection's.
    place
        Folder for the results of all users, in which each has one; by default as configured
        (``GEODES_RESULTS``), else ``~/results``.
    replace
        Whether an item of the same id and another content is replaced, and another title or visibility taken
        over.
    dry_run
        Whether only to tell what would be published. Nothing is computed, so sizes and checksums are missing.
    progress
        Whether to show a bar; by default where one can see it.

    Returns
    -------
    Publication
        The items, what happened to each, and where they are; a table in notebooks.

    Raises
    ------
    LicenceRefused
        No licence, or one that the inputs forbid.
    PublishError
        Another content under the same id, no date, no CRS, a name that is no folder's ...
    CubeError, StorageError
        As in `geodes_datalab.save`.

    Examples
    --------
    >>> import numpy as np
    >>> import xarray as xr
    >>> import tempfile
    >>> steps = {"time": np.array(["2024-05-03"], "datetime64[ns]"), "y": [15.0, 5.0], "x": [5.0, 15.0]}
    >>> ndvi = xr.DataArray([[[0.25, 0.5], [0.5, 0.75]]], steps, ("time", "y", "x"), "ndvi")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     shown = publish(
    ...         ndvi.odc.assign_crs("EPSG:32631"), collection="ndvi", licence="etalab-2.0", place=folder, dry_run=True
    ...     )
    >>> shown.outcome
    {'ndvi_20240503T000000': 'new'}
    """
    shelf = Shelf(place_of(place), user(), safe(collection, "collection"))
    allowed = licence_of(licence)
    inputs = Inputs.of(provenance)
    seen = _visibility(visibility, shelf)
    refuse_forbidden(allowed, inputs.licences, shown=seen != "private")
    former = shelf.told() or {}
    facts = Facts(
        collection, title or str(former.get("title") or collection), allowed.name, shelf.owner, seen,
        {"geodes-datalab": geodes_datalab.__version__}, iso(clock.now(UTC).replace(microsecond=0)), inputs,
        description, lineage, citation,
    )  # fmt: skip
    cube, files = read(what)
    own = safe(collection if name is None else name, "name of an item")
    split = pieces(cube, files, own, datetime=datetime, inputs=inputs)
    drafts = {one.id: describing.item_of(one, facts) for one in split}
    wish = _Wish(shelf, facts, cube, split, drafts, replace, (title is not None, visibility is not None))  # fmt: skip
    return _shown(wish) if dry_run else _published(wish, progress)


def _shown(wish: _Wish) -> Publication:
    """Tell what would be published; an item of the same id may turn out to be the same."""
    former = wish.shelf.items()
    _refuse_other_terms(wish)
    items = [catalogues.with_links(one) for one in wish.drafts.values()]
    addressed = [_addressed(one, "") for one in items]
    told = catalogues.collection_of(wish.facts, [*{**former, **wish.drafts}.values()])
    for one in (*addressed, told):
        check(one)
    outcome: dict[str, Outcome] = {
        name: "replaced" if name in former else "new" for name in wish.drafts
    }
    return Publication(told, addressed, outcome, wish.shelf.folder, dry=True)


def _addressed(item: Json, folder: str) -> Json:
    """Return an item whose files have an address: those that are not written yet, the one that they may get."""
    assets = {
        key: {**one, "href": folder + str(one.get("href") or f"./{key}.tif")}
        for key, one in item["assets"].items()
    }
    return {**item, "assets": assets}


def _published(wish: _Wish, progress: bool | None) -> Publication:
    shelf = wish.shelf
    shelf.prepare()
    _refuse_other_terms(wish)
    with stage(shelf.home) as folder:
        files = write(wish.cube, wish.pieces, folder, progress)
        items = {name: finished(one, files[name]) for name, one in wish.drafts.items()}
        items = {name: catalogues.with_links(one) for name, one in items.items()}
        for one in items.values():
            check(one)
        with shelf.locked():
            outcome, told = _laid(wish, items, files)
            listed = catalogues.refresh(shelf)
    found = [_absolute(one, shelf) for one in items.values()]
    notice = _notice(shelf, wish.facts.visibility, listed=listed)
    return Publication(told, found, outcome, shelf.folder, notice=notice)


def _laid(
    wish: _Wish, items: Mapping[str, Json], files: Mapping[str, Mapping[str, Path]]
) -> tuple[dict[str, Outcome], Json]:
    """Put into the collection what is not there yet; nothing is written where all is there."""
    shelf = wish.shelf
    _refuse_other_terms(wish)
    former, begun = catalogues.rows(shelf), shelf.begun()
    outcome = {name: _outcome(one, former.get(name)) for name, one in items.items()}
    _refuse_other_content(wish, outcome)
    fresh = [one for name, one in items.items() if outcome[name] != "unchanged"]
    before, visibility = shelf.told(), wish.facts.visibility
    moved = before is not None and before[VISIBILITY] != visibility
    if moved or begun:
        former = {name: _shown_to(one, visibility) for name, one in former.items()}
    every = {**former, **{one["id"]: catalogues.row(one) for one in fresh}}
    rows = [every[name] for name in sorted(every)]
    told = catalogues.collection_of(wish.facts, rows, before)
    check(told)
    if moved:
        catalogues.refresh_place(shelf, without=shelf.folder)
    if moved or begun:
        shelf.relabel(visibility, former)
    if fresh or moved or begun:
        shelf.lay(fresh, files, told, rows)
    elif before != told:
        shelf.lay_collection(told)
    return outcome, told


def _refuse_other_content(wish: _Wish, outcome: Mapping[str, Outcome]) -> None:
    other = [name for name, what in outcome.items() if what == "replaced"]
    if other and not wish.replace:
        raise PublishError(
            f"{wish.shelf.collection} has an item {other[0]} already, with another content",
            "give replace=True to replace it, or name= to publish this beside it",
        )


def _shown_to(item: Json, visibility: str) -> Json:
    return {**item, "properties": {**item["properties"], VISIBILITY: visibility}}


def _outcome(item: Json, former: Json | None) -> Outcome:
    if former is None:
        return "new"
    same = former["properties"].get(CONTENT) == item["properties"][CONTENT]
    return "unchanged" if same else "replaced"


def _refuse_other_terms(wish: _Wish) -> None:
    """Refuse to change for a whole collection what was said of it, unless that is asked for."""
    former = wish.shelf.told()
    if former is None:
        return
    if former["license"] != wish.facts.licence:
        raise PublishError(
            f"{wish.shelf.collection} is published under {former['license']}, and this under {wish.facts.licence}",
            "publish it as another collection; or withdraw that one first: geodes_datalab.unpublish()",
        )
    given_title, given_visibility = wish.told
    changes = {
        "title": (given_title, str(former.get("title")), wish.facts.title),
        "visibility": (given_visibility, str(former.get(VISIBILITY)), wish.facts.visibility),
    }
    for name, (given, old, new) in changes.items():
        if given and old != new and not wish.replace:
            raise PublishError(
                f"the {name} of {wish.shelf.collection} is {old!r}, not {new!r}",
                f"leave {name}= out; or give replace=True, and the whole collection gets it",
            )


def _absolute(item: Json, shelf: Shelf) -> Json:
    """Return an item whose files have complete addresses."""
    folder = shelf.folder / item["id"]
    assets = {
        key: {**one, "href": str(folder / one["href"])} for key, one in item["assets"].items()
    }
    here = {"rel": "self", "href": str(folder / f"{item['id']}.json"), "type": "application/geo+json"}  # fmt: skip
    away = [one for one in item["links"] if "://" in one["href"]]
    return {**item, "assets": assets, "links": [here, *away]}


def place_of(place: str | os.PathLike[str] | None) -> Path:
    """Return the folder for all users' results: as given, or as configured."""
    return Path(config.load().results if place is None else local_path(place))


def _visibility(given: Any, shelf: Shelf) -> str:
    if given is None:
        return str((shelf.told() or {}).get(VISIBILITY, "private"))
    if given not in FOLDERS:
        raise PublishError(
            f"there is no visibility {given!r}", near(str(given), list(FOLDERS)) or 'give "private", "group" or "public"'
        )  # fmt: skip
    return str(given)


def _notice(shelf: Shelf, visibility: str, *, listed: bool) -> str:
    """Say what keeps others from results that are for them."""
    bit = {"public": 0o001, "group": 0o010}.get(visibility, 0)
    for one in (shelf.place, *shelf.place.parents) if bit else ():
        if not one.stat().st_mode & (bit | 0o001):
            return gettext(
                "Others do not see it: the folder {folder} is closed to them. Publish in a shared folder.",
                folder=one,
            )
    if visibility == "public" and not listed:
        return gettext(
            "{file} belongs to another account and does not list it yet; geodes_datalab.search finds it all the same.",
            file=shelf.place / "catalog.json",
        )
    return ""
