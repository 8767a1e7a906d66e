"""Pictures and films as part of the page itself: data URIs."""

from __future__ import annotations

import base64
import io
from typing import Any


def uri(kind: str, raw: bytes) -> str:
    """Return bytes of a media type as a data URI.

    Examples
    --------
    >>> uri("image/gif", b"GIF89a")
    'data:image/gif;base64,R0lGODlh'
    """
    return f"data:{kind};base64,{base64.b64encode(raw).decode('ascii')}"


def content(address: str) -> bytes:
    """Return the bytes of a data URI.

    Examples
    --------
    >>> content("data:image/gif;base64,R0lGODlh")
    b'GIF89a'
    """
    return base64.b64decode(address.partition(",")[2])


def png(picture: Any) -> str:
    """Return a Pillow image as a data URI of a PNG."""
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return uri("image/png", stream.getvalue())
