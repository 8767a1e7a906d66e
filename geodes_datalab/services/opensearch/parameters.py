"""What can be asked for: names, tokens, and how values become a `Query`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from geodes_datalab.errors import InvalidQuery, near
from geodes_datalab.stac.query.canonical import PAGE_SIZE, Query
from geodes_datalab.stac.query.conditions import Attributes

DEFAULT_COUNT = 20
MOST = PAGE_SIZE
"""Items of one answer, at most."""

_NUMBER = r"-?\d{1,7}(\.\d{1,10})?"
_MOMENT = r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})?)?"
_WHOLE = r"[1-9]\d{0,8}"
_RANGE = rf"{_NUMBER}|[\[\]]{_NUMBER},?|,?{_NUMBER}[\[\]]|[\[\]]{_NUMBER},{_NUMBER}[\[\]]"
_WORD = r"[^\s<>]{1,200}"


@dataclass(frozen=True)
class Parameter:
    """One parameter of the service."""

    name: str
    token: str
    """What it means, with the prefix of its namespace."""
    title: str
    pattern: str
    """What its values look like, all of them."""
    prop: str = ""
    """The property of items that it searches by."""
    options: tuple[str, ...] = ()
    most: int | None = None
    part: bool = False
    """Whether the portal keeps a list as one text, of which a part is asked for."""


PARAMETERS = (
    Parameter("count", "count", "Items of one answer", _WHOLE, most=MOST),
    Parameter("startIndex", "startIndex", "Number of the first item, from 1", _WHOLE),
    Parameter("startPage", "startPage", "Number of the page, from 1", _WHOLE),
    Parameter("parentIdentifier", "eo:parentIdentifier", "Collection", _WORD),
    Parameter("uid", "geo:uid", "Identifier of one item", _WORD),
    Parameter("bbox", "geo:box", "West, south, east, north in degrees", rf"{_NUMBER}(,{_NUMBER}){{3}}"),
    Parameter("geometry", "geo:geometry", "Area as WKT, in degrees",
              r"(POINT|LINESTRING|POLYGON|MULTIPOLYGON)[-+0-9eE., ()]{1,20000}"),
    Parameter("startDate", "time:start", "Acquired at this time or later", _MOMENT),
    Parameter("endDate", "time:end", "Acquired at this time or earlier", _MOMENT),
    Parameter("platform", "eo:platform", "Satellite", _WORD, "platform"),
    Parameter("instrument", "eo:instrument", "Instrument", _WORD, "instrument", part=True),
    Parameter("sensorMode", "eo:sensorMode", "Mode of the sensor", _WORD, "sar:instrument_mode"),
    Parameter("productType", "eo:productType", "Type of product", _WORD, "product:type"),
    Parameter("processingLevel", "eo:processingLevel", "Level of processing", _WORD, "processing:level"),
    Parameter("cloudCover", "eo:cloudCover", "Cloud cover in percent, or a range such as [0,20]",
              _RANGE, "eo:cloud_cover"),
    Parameter("orbitNumber", "eo:orbitNumber", "Number of the orbit, or a range", _RANGE, "sat:absolute_orbit"),
    Parameter("track", "eo:track", "Number of the relative orbit, or a range", _RANGE, "sat:relative_orbit"),
    Parameter("orbitDirection", "eo:orbitDirection", "Direction of the orbit", "ASCENDING|DESCENDING",
              "sat:orbit_state", ("ASCENDING", "DESCENDING")),
    Parameter("polarisationChannels", "eo:polarisationChannels", "Polarisations", r"[HVRL, ]{2,20}",
              "sar:polarizations", part=True),
)  # fmt: skip
"""All, in the order of the description."""


@dataclass(frozen=True)
class Asked:
    """A search, and which part of its result is wanted."""

    query: Query
    begin: int
    """Items before the first one."""
    count: int


def offered(attributes: Attributes | None) -> tuple[Parameter, ...]:
    """Return what a catalogue can be asked for by the properties that it can be searched by."""
    return tuple(one for one in PARAMETERS if _is_offered(one, attributes))


def _is_offered(parameter: Parameter, attributes: Attributes | None) -> bool:
    if parameter.part:
        return attributes is not None and attributes.get(parameter.prop) == "STRING"
    return not parameter.prop or attributes is None or parameter.prop in attributes


def asked(given: Iterable[tuple[str, str]], attributes: Attributes | None) -> Asked:
    """Read a request.

    Parameters
    ----------
    given
        Names and values, as they came.
    attributes
        What the catalogue can be searched by; None where it does not tell.

    Raises
    ------
    InvalidQuery
        A parameter is unknown, given twice, or has a value that it cannot have; the text names it.

    Examples
    --------
    >>> asked([("bbox", "1,43,2,44"), ("startPage", "3"), ("count", "10")], None).begin
    20
    """
    known = {one.name: one for one in offered(attributes)}
    told: dict[str, str] = {}
    for name, value in given:
        if name not in known:
            hint = near(name, known) or f"the parameters are {', '.join(known)}"
            raise InvalidQuery(f'there is no parameter "{name}"', hint)
        if name in told:
            raise InvalidQuery(f'the parameter "{name}" is given twice', "give it once")
        if value.strip():  # an empty one is how templates leave a parameter out
            told[name] = _checked(known[name], value.strip())
    count = int(told.get("count", DEFAULT_COUNT))
    try:
        query = _query(told, attributes, known)
    except InvalidQuery as error:
        raise InvalidQuery(error.message) from error  # hints are for Python
    return Asked(query, _begin(told, count), count)


def _checked(parameter: Parameter, value: str) -> str:
    if not re.fullmatch(parameter.pattern, value):
        raise InvalidQuery(
            f'the parameter "{parameter.name}" cannot be {value[:100]!r}',
            f"it is: {parameter.title}",
        )
    if parameter.most is not None and int(value) > parameter.most:
        raise InvalidQuery(
            f'the parameter "{parameter.name}" is {parameter.most} at most, not {value}',
            "ask for the next page after this one: startPage=2, or startIndex",
        )
    return value


def _begin(told: Mapping[str, str], count: int) -> int:
    by_index = int(told.get("startIndex", 1)) - 1
    by_page = (int(told.get("startPage", 1)) - 1) * count
    if by_index and by_page and by_index != by_page:
        raise InvalidQuery(
            'the parameters "startIndex" and "startPage" contradict each other', "give one of them"
        )
    return by_index or by_page


def _query(
    told: Mapping[str, str], attributes: Attributes | None, known: Mapping[str, Parameter]
) -> Query:
    span = None
    if "startDate" in told or "endDate" in told:
        span = f"{told.get('startDate', '..')}/{told.get('endDate', '..')}"
    conditions = {
        known[name].prop: _condition(known[name], value)
        for name, value in told.items()
        if known[name].prop
    }
    return Query.of(
        told.get("parentIdentifier"),
        bbox=told.get("bbox"),
        geometry=told.get("geometry"),
        datetime=span,
        ids=told.get("uid"),
        query=conditions,
        attributes=attributes,
    )


def _condition(parameter: Parameter, value: str) -> Any:
    """Return a condition: a value, a part of one, or a range in the brackets of OGC 13-026.

    Examples
    --------
    >>> clouds = next(one for one in PARAMETERS if one.name == "cloudCover")
    >>> [_condition(clouds, value) for value in ("[0,20]", "]10", "20[", "5")]
    [{'gte': 0.0, 'lte': 20.0}, {'gt': 10.0}, {'lt': 20.0}, 5.0]
    """
    if parameter.part:
        return {"contains": " ".join(value.replace(",", " ").split())}
    if parameter.pattern != _RANGE:
        return value
    opening, closing = value[0] in "[]", value[-1] in "[]"
    if not opening and not closing:
        return float(value)
    ends = [float(one) for one in value.strip("[],").split(",")]
    if ends[0] > ends[-1]:
        raise InvalidQuery(
            f'the parameter "{parameter.name}" runs from {ends[0]:g} to {ends[-1]:g}',
            "write the lower number first",
        )
    result = {}
    if opening:
        result["gte" if value[0] == "[" else "gt"] = ends[0]
    if closing:
        result["lte" if value[-1] == "]" else "lt"] = ends[-1]
    return result
