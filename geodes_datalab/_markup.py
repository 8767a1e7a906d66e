"""XML from outside, which may be hostile: no document types, so no entities, and no depths without end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

Element = ET.Element
ParseError = ET.ParseError

DEEPEST = 100
"""Elements inside one another, at most: documents that we read have about twenty."""

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped."""


class Builder(ET.TreeBuilder):
    """Builds the tree, and keeps which prefixes stand for what where each element is."""

    def __init__(self) -> None:
        super().__init__()
        self.prefixes: dict[Element, Mapping[str, str]] = {}
        """Prefix to namespace, as declared around an element."""
        self._scopes: list[Mapping[str, str]] = [{}]
        self._declared: dict[str, str] = {}

    def doctype(self, *_: Any) -> None:
        """Refuse document types: entities are declared in them."""
        raise ParseError("it declares a document type")

    def start_ns(self, prefix: str | None, uri: str | None) -> None:
        """Take the declaration of a prefix, which comes before its element."""
        self._declared[prefix or ""] = uri or ""

    def start(self, tag: Any, attrs: Any, /) -> Any:
        """Begin an element."""
        if len(self._scopes) > DEEPEST:
            raise ParseError(f"more than {DEEPEST} elements are inside one another")
        scope = self._scopes[-1]
        if self._declared:
            scope = {**scope, **self._declared}
            self._declared = {}
        self._scopes.append(scope)
        element = super().start(tag, attrs)
        self.prefixes[element] = scope
        return element

    def end(self, tag: Any, /) -> Any:
        """End an element."""
        self._scopes.pop()
        return super().end(tag)


def root_of(content: bytes, builder: Builder | None = None) -> Element:
    """Parse XML.

    Parameters
    ----------
    content
        A document; whoever fetched it has limited its length.
    builder
        Where the prefixes are asked for afterwards.

    Raises
    ------
    ParseError
        It is no XML, declares a document type, or is too deep.

    Examples
    --------
    >>> root_of(b"<a><b>1</b></a>").findtext("b")
    '1'
    >>> root_of(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    Traceback (most recent call last):
    ...
    xml.etree.ElementTree.ParseError: it declares a document type
    """
    parser = ET.XMLParser(target=builder or Builder())  # noqa: S314 - no document type, so no entities
    try:
        parser.feed(content)
        result: Element = parser.close()
    except (LookupError, ValueError) as error:  # of its encoding
        raise ParseError(str(error)) from error
    return result


def local(element: Element) -> str:
    """Return the name of an element without its namespace.

    Examples
    --------
    >>> local(root_of(b'<a:b xmlns:a="urn:x"/>'))
    'b'
    """
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def namespace(element: Element) -> str:
    """Return the namespace of an element.

    Examples
    --------
    >>> namespace(root_of(b'<a:b xmlns:a="urn:x"/>'))
    'urn:x'
    """
    return element.tag[1:].partition("}")[0] if str(element.tag).startswith("{") else ""


def writable(text: Any) -> str:
    r"""Return text without what XML cannot hold.

    Examples
    --------
    >>> writable("a\x00b <c>")
    'ab <c>'
    """
    return _FORBIDDEN.sub("", str(text))
