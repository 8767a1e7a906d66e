"""Small pictures of products, fetched by the kernel and handed to the browser inside the page.

The browser asks no other server: so it works behind the hub, without CORS, and with the API key.
"""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

from geodes_datalab._http import Client
from geodes_datalab._optional import need
from geodes_datalab._types import Json
from geodes_datalab.config import Config
from geodes_datalab.errors import DataError, GeodesError
from geodes_datalab.maps.inline import content, png, uri
from geodes_datalab.stac.items.addresses import on_disk, readable

LARGEST = 8_000_000
"""Bytes of a picture that are still fetched."""

WIDEST = 420
"""Pixels to which a picture is brought down."""

_SMALL = (176, 132)
"""Pixels of a thumbnail, at most: twice what a filmstrip shows, for fine screens."""

_KEYS = ("quicklook", "thumbnail", "overview", "preview")


def address(item: Json) -> str | None:
    """Return the address of an item's quicklook; None where it has none."""
    assets: dict[str, Any] = item.get("assets", {})
    for key in _KEYS:
        if key in assets:
            return str(assets[key]["href"])
    for asset in assets.values():
        if {"overview", "thumbnail"} & set(asset.get("roles") or ()):
            return str(asset["href"])
    return None


def fetch(url: str, config: Config) -> str:
    """Return a picture as a data URI (PNG, at most `WIDEST` pixels wide).

    Parameters
    ----------
    url
        Where it is.
    config
        Settings; a picture is not worth more than 10 seconds and one more try.

    Raises
    ------
    GeodesError
        It cannot be had, or is no picture.
    """
    path = on_disk(url)
    if path is not None:
        try:
            return data_uri(path.read_bytes())
        except OSError as error:
            raise DataError(f"{path} cannot be read", hint="look at the item's assets") from error
    url = readable({"href": url}, "the picture")
    brief = replace(config, timeout=min(config.timeout, 10.0), retries=min(config.retries, 1))
    with Client(brief) as client, client.stream(url) as response:
        raw = bytearray()
        for piece in response.iter_content(1 << 16):
            raw += piece
            if len(raw) > LARGEST:
                raise DataError(
                    f"the picture is larger than {LARGEST:,} bytes", hint="download it instead"
                )
    return data_uri(bytes(raw))


def data_uri(raw: bytes) -> str:
    """Bring a picture down in size and return it as a data URI.

    Raises
    ------
    DataError
        It is no picture.
    """
    images = need("PIL.Image", extra="maps")
    try:
        with images.open(io.BytesIO(raw)) as picture:
            picture.thumbnail((WIDEST, WIDEST))
            return png(picture.convert("RGBA" if "A" in picture.getbands() else "RGB"))
    except (OSError, ValueError, images.DecompressionBombError) as error:
        raise DataError("what came is no picture", hint="look at the item's assets") from error


def thumbnail(picture: str) -> str:
    """Bring a picture (data URI) down to a thumbnail: some kilobytes of JPEG, or PNG where it is transparent."""
    images = need("PIL.Image", extra="maps")
    stream = io.BytesIO()
    with images.open(io.BytesIO(content(picture))) as opened:
        opened.thumbnail(_SMALL)
        if "A" in opened.getbands():
            return png(opened)
        opened.convert("RGB").save(stream, "JPEG", quality=80)
    return uri("image/jpeg", stream.getvalue())


def reason(error: GeodesError) -> str:
    """Return why there is no picture, in one line."""
    return f"no quicklook: {error.message}"
