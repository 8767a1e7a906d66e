"""`Publication`: what was published, or would be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Literal, TypeAlias

from geodes_datalab._display import shown_size, table
from geodes_datalab._language import gettext
from geodes_datalab._types import Json
from geodes_datalab.stac.items.sequence import Items

Outcome: TypeAlias = Literal["new", "unchanged", "replaced"]


class Publication:
    """What was published, or would be.

    Parameters
    ----------
    collection
        The STAC collection.
    items
        Its items of this publication.
    outcome
        What happened to each, by id.
    folder
        Where the collection is.
    dry
        Whether nothing was written.
    notice
        What the owner should know.
    """

    def __init__(
        self,
        collection: Json,
        items: Sequence[Json],
        outcome: Mapping[str, Outcome],
        folder: Path,
        *,
        dry: bool = False,
        notice: str = "",
    ) -> None:
        self.collection = collection
        """The STAC collection, as a dictionary."""
        self.items = Items(items)
        """The items of this publication: `geodes_datalab.load` takes them, unless nothing was written."""
        self.outcome = dict(outcome)
        """Item id to ``"new"``, ``"unchanged"`` or ``"replaced"``."""
        self.folder = folder
        """Where the collection is."""
        self.dry = dry
        """Whether nothing was written."""
        self.notice = notice
        """What the owner should know; empty where all is well."""

    def __repr__(self) -> str:
        """Say what is published, and where."""
        told = f"Publication({self._head()})"
        return f"{told}\n{self.notice}" if self.notice else told

    def _repr_html_(self) -> str:
        rows = [
            (
                one["id"],
                str(one["properties"]["datetime"])[:19].replace("T", " "),
                ", ".join(one["assets"]),
                shown_size(self._size(one)),
                self._outcome(self.outcome[one["id"]]),
            )
            for one in self.items.dicts
        ]
        headers = [
            gettext("id"),
            gettext("time"),
            gettext("files"),
            gettext("size"),
            gettext("state"),
        ]
        shown = "".join(
            f"<details><summary>{escape(str(one['id']))}</summary><pre>"
            f"{escape(json.dumps(one, indent=1, ensure_ascii=False))}</pre></details>"
            for one in self.items.dicts[:20]
        )
        notice = f"<div>{escape(self.notice)}</div>" if self.notice else ""
        return table(rows, headers, caption=self._head()) + notice + shown

    def _head(self) -> str:
        parts = [
            str(self.collection["id"]),
            str(self.collection["license"]),
            self._visible(),
            str(self.folder),
        ]
        if self.dry:
            parts.append(gettext("nothing was written"))
        return ", ".join(parts)

    def _visible(self) -> str:
        return {
            "private": gettext("private"),
            "group": gettext("for the group"),
            "public": gettext("public"),
        }[str(self.collection["geodes_datalab:visibility"])]

    def _outcome(self, word: Outcome) -> str:
        return {
            "new": gettext("new"),
            "unchanged": gettext("unchanged"),
            "replaced": gettext("replaced"),
        }[word]

    def _size(self, item: Json) -> int | None:
        sizes = [one.get("file:size") for one in item["assets"].values()]
        return None if None in sizes else sum(sizes)
