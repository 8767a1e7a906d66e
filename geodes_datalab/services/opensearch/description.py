"""The description: which addresses there are, and what can be put into them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from geodes_datalab._markup import Element
from geodes_datalab.services.opensearch.elements import add, document, written
from geodes_datalab.services.opensearch.parameters import Parameter
from geodes_datalab.stac.shipped import Collection

KINDS = {"atom": "application/atom+xml", "json": "application/geo+json"}
"""Answers: ending of the address, and media type."""

_PARENT = "parentIdentifier"

DESCRIPTION = "application/opensearchdescription+xml"


@dataclass(frozen=True)
class Place:
    """Where the service is, as its callers see it."""

    base: str
    """Without a slash at its end."""

    def description(self, collection: str = "") -> str:
        """Return the address of the description, of all or of one collection."""
        part = f"/{quote(collection, safe='')}" if collection else ""
        return f"{self.base}/opensearch{part}/description.xml"

    def search(self, ending: str) -> str:
        """Return the address that is searched at, without parameters."""
        return f"{self.base}/opensearch/search.{ending}"

    def item(self, name: str, ending: str) -> str:
        """Return the address of one item."""
        return f"{self.search(ending)}?uid={quote(name, safe='')}"


def described(
    place: Place,
    parameters: Sequence[Parameter],
    collections: Sequence[Collection],
    one: Collection | None = None,
) -> bytes:
    """Return the description, of all collections or of one."""
    root = document("OpenSearchDescription", "os", "geo", "time", "eo", "parameters")
    about = f"Products of {one.id}: {one.title}" if one else "Products of Earth observation"
    add(root, "ShortName", "GEODES datalab")
    add(root, "Description", f"{about}. {one.description if one else ''}".strip()[:1024])
    add(root, "Tags", "Earth observation GEODES")
    name = one.id if one else ""
    add(
        root,
        "Url",
        attributes={"type": DESCRIPTION, "rel": "self", "template": place.description(name)},
    )
    told = [
        _listed(parameter, collections)
        for parameter in parameters
        if not (one and parameter.name == _PARENT)
    ]
    for ending, kind in KINDS.items():
        url = {"type": kind, "rel": "results", "indexOffset": "1", "pageOffset": "1"}
        template = {"template": _template(place.search(ending), told, name)}
        _add_parameters(add(root, "Url", attributes={**url, **template}), told)
    _add_rest(root)
    return written(root)


def _listed(parameter: Parameter, collections: Sequence[Collection]) -> Parameter:
    """Return a parameter; that of the collection with all of them."""
    if parameter.name != _PARENT:
        return parameter
    return replace(parameter, options=tuple(one.id for one in collections))


def _template(address: str, parameters: Iterable[Parameter], collection: str) -> str:
    fixed = [f"{_PARENT}={quote(collection, safe='')}"] if collection else []
    return f"{address}?" + "&".join(
        [*fixed, *(f"{one.name}={{{one.token}?}}" for one in parameters)]
    )


def _add_parameters(url: Element, parameters: Iterable[Parameter]) -> None:
    for one in parameters:
        told = {
            "name": one.name,
            "value": f"{{{one.token}}}",
            "title": one.title,
            "minimum": "0",
            "maximum": "1",
            "minInclusive": "1" if one.name in ("count", "startIndex", "startPage") else None,
            "maxInclusive": one.most,
            "pattern": None if one.options else f"^({one.pattern})$",
        }
        element = add(url, "parameters:Parameter", attributes=told)
        for option in one.options:
            add(element, "parameters:Option", attributes={"value": option, "label": option})


def _add_rest(root: Element) -> None:
    for tag, text in (
        ("LongName", "GEODES datalab: Earth-observation catalogue"),
        ("SyndicationRight", "open"), ("AdultContent", "false"), ("Language", "en"),
        ("OutputEncoding", "UTF-8"), ("InputEncoding", "UTF-8"),
    ):  # fmt: skip
        add(root, tag, text)
