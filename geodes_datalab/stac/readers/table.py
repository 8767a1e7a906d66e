"""The descriptors themselves: data (``data/readers/*.toml``), looked up by collection or by product."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

from geodes_datalab._types import Json
from geodes_datalab.errors import UnknownCollection, near
from geodes_datalab.stac.readers.bands import Band, Class
from geodes_datalab.stac.readers.descriptor import Reader, Shift, Variant
from geodes_datalab.stac.readers.kinds import INSTEAD, KINDS, LIES


def reader(collection: str) -> Reader:
    """Return the reader descriptor of a collection.

    Parameters
    ----------
    collection
        Id, in today's form (``PEPS_S2_L1C``) or the next generation's (``peps-s2-l1c``).

    Raises
    ------
    UnknownCollection
        There is no descriptor; the hint names those that there are.

    Examples
    --------
    >>> reader("PEPS_S2_L1C").band("nir").gsd
    10
    """
    result = _by_id().get(_plain(collection))
    if result is None:
        known = sorted(readers())
        raise UnknownCollection(
            f'there is no reader for the collection "{collection}"',
            near(collection, known) or "there are readers for: " + ", ".join(known),
        )
    return result


def reader_of_product(item: Json) -> Reader | None:
    """Return the descriptor of a product by its name, where its catalogue calls the collection otherwise.

    Parameters
    ----------
    item
        Item as a dictionary.

    Examples
    --------
    >>> reader_of_product({"id": "a", "properties": {"identifier": "nobody's product"}}) is None
    True
    """
    properties = item.get("properties") or {}
    told = (properties.get("identifier"), properties.get("title"), item.get("id"))
    names = [str(name) for name in told if name]
    for one in readers().values():
        if any(fnmatchcase(name, pattern) for pattern in one.products for name in names):
            return one
    return None


@cache
def readers() -> Mapping[str, Reader]:
    """Return all reader descriptors by collection id."""
    result: dict[str, Reader] = {}
    for file in sorted(files("geodes_datalab.stac").joinpath("data/readers").iterdir(), key=str):
        for name, entry in tomllib.loads(file.read_text("utf-8")).items():
            for collection in entry.get("collections", [name]):
                result[collection] = _reader(collection, entry)
    return result


@cache
def _by_id() -> Mapping[str, Reader]:
    """Return the descriptors by every spelling that catalogues have for a collection."""
    result = {_plain(name): one for name, one in readers().items()}
    for name, one in readers().items():
        for other in one.options.get("ids", ()):
            result[_plain(other)] = result[_plain(name)]
    return result


def _plain(collection: str) -> str:
    """Return an id without what catalogues spell in two ways."""
    return re.sub(r"[-. ]", "_", collection).upper()


_PLAIN = (
    "description",
    "source",
    "status",
    "layout",
    "lies",
    "instead",
    "where",
    "licence",
    "sample",
)
"""What of a table is taken as it is."""


def _reader(collection: str, entry: dict[str, Any]) -> Reader:
    whole = {name: value for name, value in entry.items() if name != "variants"}
    layout = entry.get("layout", KINDS[entry["kind"]])
    told = {name: entry[name] for name in _PLAIN if name in entry}
    return Reader(
        collection=collection,
        kind=entry["kind"],
        bands=_bands(entry),
        **{"layout": layout, "lies": LIES[layout], "instead": INSTEAD[layout], **told},
        variants=tuple(
            Variant(_reader(collection, {**whole, **item}), **_when(item))
            for item in entry.get("variants", ())
        ),
        shift=Shift(**entry["shift"]) if "shift" in entry else None,
        aliases=entry.get("aliases", {}),
        products=tuple(entry.get("products", ())),
        options=entry.get("options", {}),
    )


def _when(entry: dict[str, Any]) -> dict[str, str]:
    return {name: entry[name] for name in ("type", "name", "since", "until") if name in entry}


def _bands(entry: dict[str, Any]) -> tuple[Band, ...]:
    return tuple(
        _band({**entry.get("defaults", {}), **item}, swath)
        for swath in entry.get("swaths", [""])
        for item in entry.get("bands", ())
    )


def _band(values: dict[str, Any], swath: str = "") -> Band:
    name = values["name"]
    member = values.get("member", "*").replace("{name}", name).replace("{lower}", name.lower())
    member = member.replace("{swath}", swath.lower())
    told = values.get("nodata", "none")
    nodata = None if told == "none" else told
    made = {
        "name": f"{swath}_{name}" if swath else name,
        "member": member,
        "nodata": nodata,
        "layers": tuple(values.get("layers", ())),
        "good": tuple(values.get("good", ())),
        "classes": tuple(Class(*item) for item in values.get("classes", ())),
    }
    return Band(**{**values, **made})
