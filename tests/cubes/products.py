"""Products as a catalogue describes them, and files that a test holds whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from rasterio import MemoryFile
from rasterio.shutil import copy
from rasterio.transform import Affine

PLACE = Affine(10, 0, 600_000, 0, -10, 4_850_020)
"""Where the images of these tests lie, in EPSG:32631."""


UNREAD = [
    (12, "bzip2"),
    (14, "LZMA"),
    (93, "Zstandard"),
    (9, "Deflate64"),
    (99, "AES"),
    (77, "method 77"),
]
"""Ways of packing that are not read, and what an error says of them."""


class Whole:
    """A file for readers that ask for parts of it.

    Parameters
    ----------
    data
        What it holds.
    """

    def __init__(self, data: bytes) -> None:
        self.data, self.size = data, len(data)

    def parts(self, spans: Iterable[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of each span."""
        return [self.data[begin:end] for begin, end in spans]


def encoded(pixels: np.ndarray, ending: str, options: Mapping[str, str]) -> bytes:
    """Return an image of one band that lies at `PLACE`.

    Parameters
    ----------
    pixels
        Of shape (rows, columns).
    ending
        Of its name, by which the driver is chosen.
    options
        The driver, and how it is to write.
    """
    high, wide = pixels.shape
    with MemoryFile() as memory, MemoryFile(ext=ending) as made:
        with memory.open(
            driver="GTiff", width=wide, height=high, count=1, dtype=pixels.dtype, crs="EPSG:32631",
            transform=PLACE,
        ) as target:  # fmt: skip
            target.write(pixels, 1)
        with memory.open() as source:
            copy(source, made.name, **options)
        return bytes(made.getbuffer())


def zipped(url: str, size: int, shape: tuple[int, int]) -> dict[str, Any]:
    """Return the item of a Sentinel-2 product: one archive, whose members it does not name."""
    archive = {"href": url, "title": "P.zip", "type": "application/zip", "file:size": size}
    item = _item("S2", "PEPS_S2_L1C", "2021-03-01T10:50:31Z", shape, {"data": archive})
    item["properties"]["processing:version"] = "03.00"
    return item


def plain(hrefs: dict[str, str], shape: tuple[int, int], **facts: Any) -> dict[str, Any]:
    """Return the item of a product with one GeoTIFF for each band; facts are of each of them."""
    assets = {
        name: {"href": href, "type": "image/tiff; application=geotiff", "roles": ["data"], **facts}
        for name, href in hrefs.items()
    }
    return _item("one", "local-cogs", "2024-03-01T10:50:31Z", shape, assets)


def _item(
    name: str, collection: str, when: str, shape: tuple[int, int], assets: dict[str, Any]
) -> dict[str, Any]:
    return {
        "type": "Feature", "stac_version": "1.1.0", "stac_extensions": [], "id": name,
        "collection": collection, "geometry": None, "links": [], "assets": assets,
        "properties": {
            "datetime": when, "proj:code": "EPSG:32631", "proj:shape": list(shape),
            "proj:transform": list(PLACE)[:6],
        },
    }  # fmt: skip
