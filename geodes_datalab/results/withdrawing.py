"""The verb `unpublish`: items, or a whole collection, are withdrawn."""

from __future__ import annotations

import os

from geodes_datalab._inputs.words import WordsLike, words
from geodes_datalab._types import Json
from geodes_datalab.errors import PublishError, near
from geodes_datalab.results import catalogues
from geodes_datalab.results.describing import OWNER, VISIBILITY, Facts
from geodes_datalab.results.pieces import safe
from geodes_datalab.results.publishing import place_of
from geodes_datalab.results.shelf import Shelf, own_collections, user


def unpublish(
    collection: str,
    ids: WordsLike | None = None,
    *,
    place: str | os.PathLike[str] | None = None,
) -> list[str]:
    """Withdraw items of one of your collections, or all of it: their files are removed.

    Parameters
    ----------
    collection
        Its id.
    ids
        Ids of the items; all of them where not given, and the collection with them.
    place
        Where they were published, as for `geodes_datalab.publish`.

    Returns
    -------
    list of str
        Ids of the items that were removed.

    Raises
    ------
    PublishError
        You have published no such collection, or no such item; nothing was removed.
    """
    shelf = Shelf(place_of(place), user(), safe(collection, "collection"))
    _refuse_unknown(shelf)
    with shelf.locked():
        _refuse_unknown(shelf)
        former = catalogues.rows(shelf)
        wanted = list(words(ids, "ids") or sorted(former))
        for one in wanted:
            if one not in former:
                hint = near(one, list(former)) or f"the items are: {', '.join(sorted(former)[:20])}"
                raise PublishError(f"{collection} has no item {one!r}", hint)
        rows = [former[name] for name in sorted(former) if name not in wanted]
        if rows and ids is not None:
            shelf.remove_items(wanted, _without(shelf, rows), rows)
            catalogues.refresh(shelf)
        else:  # nothing leads to it any more when it goes
            catalogues.refresh(shelf, without=shelf.folder)
            shelf.remove()
    return wanted


def _without(shelf: Shelf, rows: list[Json]) -> Json:
    """Return the collection of what is left."""
    told = shelf.told() or {}
    facts = Facts(
        shelf.collection, str(told["title"]), str(told["license"]), str(told[OWNER]), str(told[VISIBILITY]),
        {}, "", description=str(told["description"]),
    )  # fmt: skip
    return catalogues.collection_of(facts, rows)


def _refuse_unknown(shelf: Shelf) -> None:
    if shelf.told() is not None:
        return
    own = [path.name for path in own_collections(shelf.home)]
    hint = near(shelf.collection, own) or (
        f"yours are: {', '.join(own)}" if own else "you have published none there; look at place="
    )
    raise PublishError(
        f"you have published no collection {shelf.collection!r} in {shelf.place}", hint
    )
