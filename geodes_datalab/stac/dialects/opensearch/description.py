"""What an OpenSearch description offers: templates of addresses, whose tokens are known by namespace.

A token such as ``{geo:box?}`` means nothing by its letters: ``geo`` is whatever the document declares it to
be around the template. So each is kept as a `Token`, a namespace and a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urljoin, urlsplit

from geodes_datalab._markup import Builder, Element, ParseError, root_of
from geodes_datalab.errors import ServiceError

OPENSEARCH = "http://a9.com/-/spec/opensearch/1.1"
GEO = "http://a9.com/-/opensearch/extensions/geo/1.0"
TIME = "http://a9.com/-/opensearch/extensions/time/1.0"
EO = "http://a9.com/-/opensearch/extensions/eo/1.0"
PARAMETERS = "http://a9.com/-/spec/opensearch/extensions/parameters/1.0"
"""Namespaces, without the slash at their end, which some documents forget."""

_TOKEN = re.compile(r"\{([^{}?]{1,200})(\?)?\}")
_KINDS = (
    "application/geo+json",
    "application/vnd.geo+json",
    "application/json",
    "application/atom+xml",
)
"""Answers that can be read, the preferred one first."""
_HINT = "check that the address is that of an OpenSearch description (often .../description.xml or .../osdd)"


class Token(NamedTuple):
    """A parameter of a search, whatever a service calls it."""

    namespace: str
    name: str


COUNT = Token(OPENSEARCH, "count")
START_INDEX = Token(OPENSEARCH, "startIndex")
START_PAGE = Token(OPENSEARCH, "startPage")
PARENT = Token(EO, "parentIdentifier")


@dataclass(frozen=True)
class Parameter:
    """What is told of a parameter."""

    name: str
    """As the service calls it."""
    options: tuple[str, ...] = ()
    """The values that it takes, where they are listed."""
    most: float | None = None
    """The highest number that it takes, where told."""


@dataclass(frozen=True)
class Url:
    """A template of addresses."""

    template: str
    kind: str
    """Media type of the answer, without its parameters."""
    rel: str
    index_offset: int
    """Number of the first item."""
    page_offset: int
    """Number of the first page."""
    tokens: Mapping[str, Token]
    """Each text in braces, and what it means."""
    required: frozenset[Token]
    """What has to be given."""
    parameters: Mapping[Token, Parameter] = field(default_factory=dict)

    def offers(self, token: Token) -> bool:
        """Tell whether a parameter can be given."""
        return token in self.tokens.values() or token in self.parameters

    def fixes(self, collection: str) -> bool:
        """Tell whether the template is of one collection, and of this one."""
        if self.offers(PARENT):
            return False
        place = urlsplit(_TOKEN.sub("", self.template))
        return collection in (
            *(told for _, told in parse_qsl(place.query)),
            *unquote(place.path).split("/"),
        )

    @property
    def offered(self) -> frozenset[Token]:
        """All that can be given."""
        return frozenset(self.tokens.values()) | frozenset(self.parameters)

    def filled(self, values: Mapping[Token, str]) -> str:
        """Return the address for some values; parts of the query that have none are left out."""
        begin = _query_begin(self.template)
        place, query = self.template[:begin], self.template[begin + 1 :]
        told = [text for part in query.split("&") if (text := self._part(part, values))]
        known = set(self.tokens.values())
        told += [
            f"{quote(self.parameters[token].name, safe='')}={quote(value, safe='')}"
            for token, value in values.items()
            if token not in known and token in self.parameters
        ]
        return self._replaced(place, values) + ("?" + "&".join(told) if told else "")

    def _part(self, part: str, values: Mapping[Token, str]) -> str:
        """Return a part of a query; nothing where it is made of tokens that have no value."""
        asked = [self.tokens[found[0]] for found in _TOKEN.finditer(part)]
        if asked and not any(token in values for token in asked):
            return ""
        return self._replaced(part, values)

    def _replaced(self, text: str, values: Mapping[Token, str]) -> str:
        return _TOKEN.sub(lambda found: quote(values.get(self.tokens[found[0]], ""), safe=""), text)


@dataclass(frozen=True)
class Description:
    """An OpenSearch description."""

    title: str
    urls: tuple[Url, ...]
    """Templates whose answers can be read, the preferred kind first."""

    @property
    def results(self) -> tuple[Url, ...]:
        """Templates that search for items."""
        return tuple(one for one in self.urls if one.rel == "results")

    def options(self, token: Token) -> tuple[str, ...]:
        """Return the values that a parameter takes, where any template lists them."""
        told = (one.parameters[token].options for one in self.results if token in one.parameters)
        return next((options for options in told if options), ())


def described(content: bytes, address: str) -> Description:
    """Read a description.

    Parameters
    ----------
    content
        The document.
    address
        Where it is: templates may be relative to it.

    Raises
    ------
    ServiceError
        It is no description, or offers no answer that can be read.
    """
    builder = Builder()
    try:
        root = root_of(content, builder)
    except ParseError as error:
        raise ServiceError(f"the OpenSearch description cannot be read: {error}", _HINT) from error
    if _name(root) != (OPENSEARCH, "OpenSearchDescription"):
        raise ServiceError("this is no OpenSearch description", _HINT)
    found = [
        url
        for element in root
        if _name(element) == (OPENSEARCH, "Url")
        and (url := _url(element, builder.prefixes, address)) is not None
    ]
    urls = tuple(sorted(found, key=lambda url: _KINDS.index(url.kind)))
    if not any(one.rel == "results" for one in urls):
        raise ServiceError(
            "the OpenSearch description offers no search whose answer is GeoJSON or Atom", _HINT
        )
    return Description(_text(root, "ShortName") or _text(root, "LongName"), urls)


def _url(
    element: Element, prefixes: Mapping[Element, Mapping[str, str]], address: str
) -> Url | None:
    kind = element.get("type", "").partition(";")[0].strip().lower()
    method = _foreign(element, "method") or "GET"
    template = _absolute(element.get("template", ""), address)
    if kind not in _KINDS or not template or method.upper() != "GET":
        return None
    tokens, required = _tokens(template, prefixes[element])
    parameters = dict(_parameters(element, prefixes))
    return Url(
        template, kind, element.get("rel", "results").strip() or "results",
        _number(element.get("indexOffset"), 1), _number(element.get("pageOffset"), 1),
        tokens, required, parameters,
    )  # fmt: skip


def _absolute(template: str, address: str) -> str:
    """Complete a template beside its description; nothing where it leads to no web server."""
    if not template:
        return ""
    try:
        if not template.lower().startswith(("https://", "http://")):
            template = urljoin(address, template)
        parts, begun = urlsplit(_TOKEN.sub("_", template)), urlsplit(template.partition("{")[0])
        sound = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
        sound = sound and parts.netloc == begun.netloc  # no token is a part of the server's name
    except ValueError:
        return ""
    return template.partition("#")[0] if sound else ""


def _tokens(
    template: str, prefixes: Mapping[str, str]
) -> tuple[dict[str, Token], frozenset[Token]]:
    tokens, required = {}, set()
    for found in _TOKEN.finditer(template):
        token = _meaning(found[1], prefixes)
        tokens[found[0]] = token
        if not found[2]:
            required.add(token)
    return tokens, frozenset(required)


def _meaning(text: str, prefixes: Mapping[str, str]) -> Token:
    """Return what the text of a token means where some prefixes are declared."""
    prefix, colon, name = text.strip().rpartition(":")
    if not colon:
        return Token(OPENSEARCH, name)
    return Token(prefixes.get(prefix, f"undeclared:{prefix}").rstrip("/"), name)


def _parameters(
    url: Element, prefixes: Mapping[Element, Mapping[str, str]]
) -> Iterator[tuple[Token, Parameter]]:
    for element in url:
        if _name(element) != (PARAMETERS, "Parameter"):
            continue
        value = _TOKEN.fullmatch(element.get("value", "").strip())
        if value is None or not element.get("name"):
            continue
        options = tuple(
            option.get("value", "")
            for option in element
            if _name(option) == (PARAMETERS, "Option") and option.get("value")
        )
        parameter = Parameter(element.get("name", ""), options, _most(element))
        yield _meaning(value[1], prefixes[element]), parameter


def _most(parameter: Element) -> float | None:
    inclusive, exclusive = parameter.get("maxInclusive"), parameter.get("maxExclusive")
    if inclusive is None and exclusive is None:
        return None
    number = _number(inclusive if inclusive is not None else exclusive, 0)
    return (number if inclusive is not None else number - 1) if number > 0 else None


def _foreign(element: Element, name: str) -> str:
    """Return an attribute of the extension of parameters, with or without a slash in its namespace."""
    return element.get(f"{{{PARAMETERS}/}}{name}") or element.get(f"{{{PARAMETERS}}}{name}") or ""


def _name(element: Element) -> tuple[str, str]:
    tag = element.tag if isinstance(element.tag, str) else ""
    uri, _, name = tag[1:].partition("}") if tag.startswith("{") else ("", "", tag)
    return uri.rstrip("/"), name


def _text(root: Element, name: str) -> str:
    told = (one.text or "" for one in root if _name(one) == (OPENSEARCH, name))
    return " ".join(next(told, "").split())[:200]


def _number(text: str | None, default: int) -> int:
    try:
        return int(text) if text is not None and len(text) < 12 else default
    except ValueError:
        return default


def _query_begin(template: str) -> int:
    """Return where the query begins: at a question mark that is not inside of braces."""
    plain = _TOKEN.sub(lambda found: "_" * len(found[0]), template)
    return plain.find("?") if "?" in plain else len(template)
