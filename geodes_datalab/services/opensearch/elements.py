"""Writing XML: prefixes as the specifications write them, and everything escaped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

from geodes_datalab._markup import Element, writable

NAMESPACES = {
    "os": "http://a9.com/-/spec/opensearch/1.1/",
    "geo": "http://a9.com/-/opensearch/extensions/geo/1.0/",
    "time": "http://a9.com/-/opensearch/extensions/time/1.0/",
    "eo": "http://a9.com/-/opensearch/extensions/eo/1.0/",
    "parameters": "http://a9.com/-/spec/opensearch/extensions/parameters/1.0/",
    "atom": "http://www.w3.org/2005/Atom",
    "dc": "http://purl.org/dc/elements/1.1/",
    "georss": "http://www.georss.org/georss",
    "gml": "http://www.opengis.net/gml",
    "ows": "http://www.opengis.net/ows/2.0",
}


def document(tag: str, default: str, *prefixes: str) -> Element:
    """Return the root of a document, whose elements without a prefix are of a namespace."""
    told = {f"xmlns:{prefix}": NAMESPACES[prefix] for prefix in prefixes}
    return ET.Element(tag, {"xmlns": NAMESPACES[default], **told})


def add(
    parent: Element, tag: str, text: Any = None, *, attributes: Mapping[str, Any] | None = None
) -> Element:
    """Add an element; attributes that are None or empty are left out.

    Examples
    --------
    >>> root = document("feed", "atom")
    >>> _ = add(root, "title", "a < b & c", attributes={"lang": '"'})
    >>> written(root).decode().splitlines()[1]
    '<feed xmlns="http://www.w3.org/2005/Atom"><title lang="&quot;">a &lt; b &amp; c</title></feed>'
    """
    given = (attributes or {}).items()
    told = {name: writable(value) for name, value in given if value not in (None, "")}
    element = ET.SubElement(parent, tag, told)
    if text is not None:
        element.text = writable(text)
    return element


def written(root: Element) -> bytes:
    """Return a document as UTF-8."""
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content
