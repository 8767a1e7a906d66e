"""The lesser paths: a collection's sample archive, and a map service that draws footprints."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from geodes_datalab.standin import portal
from geodes_datalab.standin.records import Record

IN_SAMPLE = 3
STAMP = (2026, 1, 1, 0, 0, 0)
COLOUR = (31, 119, 180, 110)
LARGEST = 2048


async def sample_zip(request: Request) -> Response:
    """Return an archive with the metadata and quicklooks of a collection's first products."""
    here = portal.of(request)
    wanted = request.path_params["collection"]
    chosen = [item for item in here.catalogue.records(here.profile) if item.collection == wanted]
    if not chosen:
        return portal.error(404, "EntityNotFoundException", "The collection has no sample")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for record in chosen[:IN_SAMPLE]:
            name = record.product.identifier
            archive.writestr(zipfile.ZipInfo(f"{name}.json", STAMP), record.text)
            for file in record.product.files:
                path = here.catalogue.locate(file) if file.role == "overview" else None
                if path:
                    archive.writestr(zipfile.ZipInfo(f"{name}.jpg", STAMP), path.read_bytes())
    return Response(made.getvalue(), media_type="application/zip")


async def wms(request: Request) -> Response:
    """Answer the two WMS operations: capabilities, and a map of the footprints."""
    asked = {name.lower(): value for name, value in request.query_params.items()}
    operation = asked.get("request", "").lower()
    here = portal.of(request)
    if operation == "getcapabilities":
        return Response(_capabilities(), media_type="application/vnd.ogc.wms_xml")
    if operation != "getmap":
        return portal.error(400, "ServiceException", "request must be GetCapabilities or GetMap")
    try:
        size = int(asked.get("width", "256")), int(asked.get("height", "256"))
        west, south, east, north = (float(item) for item in asked["bbox"].split(","))
        srs = asked.get("srs") or asked.get("crs") or "EPSG:3857"
        if not (
            0 < size[0] <= LARGEST and 0 < size[1] <= LARGEST and west < east and south < north
        ):
            raise ValueError("bbox, width or height is out of range")
        picture = _draw(here.catalogue.records(here.profile), (west, south, east, north), size, srs)
    except (KeyError, ValueError) as problem:
        return portal.error(400, "ServiceException", f"GetMap: {problem}")
    return Response(picture, media_type="image/png")


def _draw(
    records: tuple[Record, ...],
    bounds: tuple[float, float, float, float],
    size: tuple[int, int],
    srs: str,
) -> bytes:
    """Return a transparent PNG with every footprint filled in."""
    import numpy as np
    from pyproj import Transformer
    from pyproj.exceptions import CRSError
    from rasterio.features import rasterize
    from rasterio.io import MemoryFile
    from rasterio.transform import from_bounds
    from shapely import transform

    try:
        project = Transformer.from_crs("EPSG:4326", srs, always_xy=True).transform
    except CRSError as problem:
        raise ValueError(f"unknown reference system {srs}") from problem
    grid = from_bounds(*bounds, *size)
    shapes = [
        transform(item.shape, lambda points: np.column_stack(project(*points.T)))
        for item in records
    ]
    filled = np.zeros(size[::-1], "uint8")
    if shapes:
        filled = rasterize(shapes, out_shape=size[::-1], transform=grid, all_touched=True)
    layers: Any = np.stack([filled.astype("uint8") * value for value in COLOUR])
    options = {"count": 4, "width": size[0], "height": size[1], "dtype": "uint8"}
    with MemoryFile() as memory:
        with memory.open(driver="PNG", crs=srs, transform=grid, **options) as target:
            target.write(layers)
        return bytes(memory.getbuffer())


def _capabilities() -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<WMT_MS_Capabilities version="1.1.1"><Service>'
        f"<Name>WMS</Name><Title>Stand-in GEODES</Title><Abstract>{portal.NOTICE}</Abstract>"
        "</Service><Capability><Layer><Title>Footprints</Title><SRS>EPSG:3857</SRS>"
        "<SRS>EPSG:4326</SRS><Layer><Name>peps:gdh_s1</Name><Title>Footprints</Title></Layer>"
        "</Layer></Capability></WMT_MS_Capabilities>\n"
    ).encode()
