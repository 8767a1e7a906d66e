"""Products as a catalogue describes them, and files that a test holds whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rasterio.transform import Affine

PLACE = Affine(10, 0, 600_000, 0, -10, 4_850_020)
"""Where the images of these tests lie, in EPSG:32631."""


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
