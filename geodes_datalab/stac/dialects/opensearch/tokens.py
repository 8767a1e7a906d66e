"""What is searched, as the tokens of OpenSearch and its extensions (OGC 10-032r8 and 13-026r9)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from geodes_datalab._types import Json
from geodes_datalab.errors import InvalidQuery
from geodes_datalab.stac.dialects.opensearch.description import (
    EO,
    GEO,
    OPENSEARCH,
    PARENT,
    TIME,
    Token,
    Url,
)
from geodes_datalab.stac.query.canonical import Query
from geodes_datalab.stac.query.conditions import Clause
from geodes_datalab.stac.query.satellites import stac_platform

BOX, GEOMETRY, UID = Token(GEO, "box"), Token(GEO, "geometry"), Token(GEO, "uid")
START, END = Token(TIME, "start"), Token(TIME, "end")
CLOUDS = Token(EO, "cloudCover")

PROPERTIES: Mapping[str, Token] = {
    "platform": Token(EO, "platform"),
    "instruments": Token(EO, "instrument"),
    "instrument": Token(EO, "instrument"),
    "processing:level": Token(EO, "processingLevel"),
    "product:type": Token(EO, "productType"),
    "sar:instrument_mode": Token(EO, "sensorMode"),
    "sar:polarizations": Token(EO, "polarisationChannels"),
    "sat:absolute_orbit": Token(EO, "orbitNumber"),
    "sat:relative_orbit": Token(EO, "track"),
    "sat:orbit_state": Token(EO, "orbitDirection"),
    "eo:cloud_cover": CLOUDS,
    "eo:snow_cover": Token(EO, "snowCover"),
    "gsd": Token(EO, "resolution"),
}
"""Property of an item -> token that it is searched by."""

_NUMBERS = frozenset(
    PROPERTIES[name]
    for name in (
        "sat:absolute_orbit", "sat:relative_orbit", "eo:cloud_cover", "eo:snow_cover", "gsd",
    )
)  # fmt: skip
"""Tokens that take ranges such as ``[0,20]``."""

_RANGES = (
    ("gt",), ("gte",), ("lt",), ("lte",),
    ("gt", "lt"), ("gt", "lte"), ("gte", "lt"), ("gte", "lte"),
)  # fmt: skip
"""Operators that make one range together."""

_MUST_BE_GIVEN = "this OpenSearch service must be told "
_REQUIRED = {
    PARENT: (_MUST_BE_GIVEN + "a collection", "name one: the first argument of search"),
    BOX: (_MUST_BE_GIVEN + "an area", "give bbox="),
    GEOMETRY: (_MUST_BE_GIVEN + "an area", "give geometry="),
    START: (_MUST_BE_GIVEN + "a time", "give datetime="),
    END: (_MUST_BE_GIVEN + "a time", "give datetime="),
    UID: (_MUST_BE_GIVEN + "an id", "give ids="),
}


def values(query: Query, url: Url, collection: str, uid: str) -> dict[Token, str]:
    """Return what a template is filled with for one collection (or none) and one id (or none).

    Raises
    ------
    InvalidQuery
        The template does not offer what is searched by, or wants what is not given.
    """
    result: dict[Token, str] = {}
    if collection and not url.fixes(collection):
        result[PARENT] = collection
    if uid:
        result[UID] = uid
    result.update(_place(query, url))
    if query.acquired:
        ends = zip((START, END), (query.acquired.start, query.acquired.end), strict=True)
        result.update((token, _moment(end)) for token, end in ends if end)
    if query.published:
        raise InvalidQuery(
            "an OpenSearch service cannot be searched by the time of publication",
            "leave published= out, and filter the result: items.filter(...)",
        )
    result.update(_conditions(query, url))
    _refuse(result, url)
    return result


def _refuse(given: Mapping[Token, str], url: Url) -> None:
    for token in given:
        if not url.offers(token):
            known = [name for name in offered(url) if name != "instrument"]
            raise InvalidQuery(
                f"this OpenSearch service cannot be searched by {_NAMES.get(token, token.name)}",
                f"it can be searched by {', '.join(known)}: leave the rest out, and filter the result"
                if known
                else "leave it out, and filter the result: items.filter(...)",
            )
    for token in url.required - set(given):
        if token.namespace != OPENSEARCH:
            text, hint = _REQUIRED.get(
                token,
                (_MUST_BE_GIVEN + f'"{token.name}", which no search here has', None),
            )
            raise InvalidQuery(text, hint)
    for token, value in given.items():
        options = url.parameters[token].options if token in url.parameters else ()
        if options and token != PARENT and value not in options and token not in _NUMBERS:
            raise InvalidQuery(
                f"{_NAMES.get(token, token.name)} {value!r} is none of those that this service has",
                "it has " + ", ".join(options[:20]),
            )


def offered(url: Url) -> Iterator[str]:
    """Yield what a template can be searched by, in the words of `geodes_datalab.search`."""
    told = set(url.offered)
    for token, name in _NAMES.items():
        if token in told and token != END:
            yield name


_NAMES: Mapping[Token, str] = {
    PARENT: "collections",
    BOX: "bbox",
    GEOMETRY: "geometry",
    START: "datetime",
    END: "the end of datetime",
    UID: "ids",
    **{token: f'"{name}"' for name, token in PROPERTIES.items() if name != "instrument"},
    CLOUDS: "cloud_cover",
}


def _place(query: Query, url: Url) -> Iterator[tuple[Token, str]]:
    if query.bbox and (url.offers(BOX) or not query.geometry):
        if url.offers(BOX) or not url.offers(GEOMETRY):
            yield BOX, ",".join(f"{side:.10g}" for side in query.bbox)
            return
        west, south, east, north = query.bbox
        ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
        yield GEOMETRY, _wkt({"type": "Polygon", "coordinates": [ring]})
    elif query.geometry:
        yield GEOMETRY, _wkt(query.geometry)


def _wkt(geometry: Json) -> str:
    from shapely.geometry import shape

    text: str = shape(geometry).wkt
    return text


def _moment(moment: datetime) -> str:
    """Write a moment to the millisecond: more digits are refused by some services."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _conditions(query: Query, url: Url) -> Iterator[tuple[Token, str]]:
    clauses = list(query.clauses)
    if query.cloud_cover:
        low, high = query.cloud_cover
        clauses += [Clause("eo:cloud_cover", "gte", low), Clause("eo:cloud_cover", "lte", high)]
    for name in dict.fromkeys(clause.name for clause in clauses):
        told = {clause.operator: clause.value for clause in clauses if clause.name == name}
        token = PROPERTIES.get(name)
        if token is None:
            known = ", ".join(offered(url))
            raise InvalidQuery(
                f'an OpenSearch service cannot be searched by "{name}"',
                f"this one can by {known}; filter the result by other properties: items.filter(...)",
            )
        if set(told) == {"eq"}:
            yield token, _spelled(name, told["eq"], _options(token, url))
        elif token in _NUMBERS and tuple(sorted(told)) in _RANGES:
            yield token, _range(told)
        else:
            raise InvalidQuery(
                f'an OpenSearch service cannot be asked for "{name}" by {", ".join(sorted(told))}',
                "ask for one value, or a range of numbers, and filter the result: items.filter(...)",
            )


def _options(token: Token, url: Url) -> tuple[str, ...]:
    return url.parameters[token].options if token in url.parameters else ()


def _spelled(name: str, value: object, options: Iterable[str]) -> str:
    """Write a value as the service lists it, where it does."""
    text = str(value)
    if name == "sat:orbit_state":
        text = text.upper()
    for option in options:
        if _plain(option) == _plain(text) or (
            name == "platform" and stac_platform(option) == stac_platform(text)
        ):
            return option
    return text


def _plain(text: str) -> str:
    """Return text without blanks and in small letters: lists are written ``VV, VH`` by some."""
    return "".join(text.split()).casefold()


def _range(told: Mapping[str, float]) -> str:
    """Write a range as OGC 13-026 does.

    Examples
    --------
    >>> _range({"gte": 0.0, "lte": 20.0}), _range({"gt": 10}), _range({"lte": 20})
    ('[0,20]', ']10', '20]')
    """
    low = next(
        (f"{sign}{told[name]:.10g}" for name, sign in (("gte", "["), ("gt", "]")) if name in told),
        "",
    )
    high = next(
        (f"{told[name]:.10g}{sign}" for name, sign in (("lte", "]"), ("lt", "[")) if name in told),
        "",
    )
    return f"{low},{high}" if low and high else low or high
