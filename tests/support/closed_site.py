"""A server of a closed site: TLS by an authority of its own, and something for every kind of client."""

from __future__ import annotations

import struct
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import trustme
from aiohttp import web
from support.kubernetes_api import Serving

HOST = "data.site.example"
"""Name of the server; nobody resolves it, so that only a web proxy leads there."""

_DDS = "Dataset {\n    Int32 a[x = 3];\n} cube;\n"
_WMS = """<?xml version="1.0"?><WMT_MS_Capabilities version="1.1.1"><Service><Name>WMS</Name>
<Title>site</Title></Service><Capability><Request/><Layer/></Capability></WMT_MS_Capabilities>"""
_OPENEO = ["/", "/collections", "/collections/{collection_id}", "/processes", "/credentials/basic"]


class ClosedSite(Serving):
    """Files with ranges, STAC, openEO, S3, OPeNDAP, git, a package index, a gateway; a context manager.

    Parameters
    ----------
    folder
        An empty folder for its files.
    authority
        Who signs its certificate.
    place
        Address and port; by default some of loopback.
    """

    def __init__(
        self, folder: Path, authority: trustme.CA, place: tuple[str, int] = ("127.0.0.1", 0)
    ) -> None:
        self.folder, self.place = folder, place
        self.signed(authority, HOST, place[0])
        for make in (_texts, _pictures, _cubes, _package, _repository):
            make(folder)

    def routes(self) -> list[web.RouteDef]:
        """Return what it serves."""
        return [
            web.get("/stac", self._catalogue),
            web.get("/stac/collections", self._none("collections")),
            web.get("/stac/search", self._none("features")),
            web.get("/stac/{rest:.*queryables}", self._none("properties")),
            web.post("/stac/search", self._none("features")),
            web.get("/openeo/.well-known/openeo", self._versions),
            web.get("/openeo/{rest:.*}", self._openeo),
            web.get("/api/v1/clusters/", self._clusters),
            web.get("/dap.{part:dds|das|dods}", self._dap),
            web.get("/bucket", self._listed),
            web.get("/bucket/", self._listed),
            web.get("/bucket/{name:.*}", self._file),
            web.get("/simple/tiny/", self._index),
            web.get("/{name:.*}", self._file),
        ]

    def _none(self, kind: str) -> Any:
        async def answer(request: web.Request) -> web.Response:
            told: Any = {} if kind == "properties" else []
            return web.json_response({"type": "FeatureCollection", "links": [], kind: told})

        return answer

    async def _catalogue(self, request: web.Request) -> web.Response:
        here = f"https://{request.host}/stac"
        links = [
            {"rel": "self", "href": here, "type": "application/json"},
            {"rel": "root", "href": here, "type": "application/json"},
            {"rel": "data", "href": f"{here}/collections", "type": "application/json"},
            {"rel": "search", "href": f"{here}/search", "type": "application/geo+json"},
        ]
        classes = [f"https://api.stacspec.org/v1.0.0/{name}" for name in ("core", "item-search")]
        told = {"type": "Catalog", "id": "site", "stac_version": "1.0.0", "description": "site"}
        return web.json_response({**told, "links": links, "conformsTo": classes})

    async def _versions(self, request: web.Request) -> web.Response:
        here = f"https://{request.host}/openeo"
        return web.json_response({"versions": [{"url": here, "api_version": "1.2.0"}]})

    async def _openeo(self, request: web.Request) -> web.Response:
        if request.path.endswith("/collections"):
            return web.json_response({"collections": [], "links": []})
        told = {"api_version": "1.2.0", "backend_version": "1", "stac_version": "1.0.0"}
        told |= {"id": "site", "title": "site", "description": "site"}
        endpoints = [{"path": path, "methods": ["GET"]} for path in _OPENEO]
        return web.json_response({**told, "endpoints": endpoints, "links": []})

    async def _clusters(self, request: web.Request) -> web.Response:
        return web.json_response({})

    async def _dap(self, request: web.Request) -> web.Response:
        part = request.match_info["part"]
        kind = {"dds": "dods_dds", "das": "dods_das", "dods": "dods_data"}[part]
        data = struct.pack(">II3i", 3, 3, 7, 8, 9)
        body = {"dds": _DDS.encode(), "das": b"Attributes {\n}\n"}.get(
            part, _DDS.encode() + b"\nData:\n" + data
        )
        headers = {"Content-Description": kind, "XDODS-Server": "dods/3.7"}
        return web.Response(body=body, headers=headers)

    async def _listed(self, request: web.Request) -> web.Response:
        text = "<ListBucketResult><Name>bucket</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>"
        return web.Response(text=text, content_type="application/xml")

    async def _index(self, request: web.Request) -> web.Response:
        name = "tiny-1-py3-none-any.whl"
        return web.Response(text=f'<a href="/{name}">{name}</a>', content_type="text/html")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        path = self.folder / request.match_info["name"]
        if not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path)


def _texts(folder: Path) -> None:
    (folder / "hello.txt").write_text("hello")
    (folder / "wms.xml").write_text(_WMS)
    point = (
        '{"type":"Feature","properties":{"n":1},"geometry":{"type":"Point","coordinates":[1,43]}}'
    )
    (folder / "points.geojson").write_text(f'{{"type":"FeatureCollection","features":[{point}]}}')
    told = '"type":"Catalog","id":"site","stac_version":"1.0.0","description":"site"'
    (folder / "catalog.json").write_text(f'{{{told},"links":[]}}')


def _pictures(folder: Path) -> None:
    """Write a picture, and a grid of heights as PROJ reads them from the network."""
    import rasterio
    from rasterio.transform import from_origin

    common: dict[str, Any] = {"driver": "GTiff", "count": 1, "crs": "EPSG:4326", "tiled": True}
    common |= {"transform": from_origin(0, 45, 0.05, 0.05), "blockxsize": 64, "blockysize": 64}
    with rasterio.open(folder / "cog.tif", "w", dtype="uint8", width=64, height=64, **common) as to:
        to.write(np.full((1, 64, 64), 7, "uint8"))
    with rasterio.open(
        folder / "height.tif", "w", dtype="float32", width=64, height=64, **common
    ) as to:
        to.write(np.full((1, 64, 64), 50, "float32"))
        to.update_tags(TYPE="VERTICAL_OFFSET_GEOGRAPHIC_TO_VERTICAL", AREA_OR_POINT="Point")
        to.set_band_description(1, "geoid_undulation")


def _cubes(folder: Path) -> None:
    import netCDF4
    import zarr

    with netCDF4.Dataset(folder / "cube.nc", "w") as cube:
        cube.createDimension("x", 3)
        cube.createVariable("a", "i4", ("x",))[:] = [7, 8, 9]
    array = zarr.create_array(folder / "cube.zarr", shape=(3,), dtype="i4")
    array[:] = [7, 8, 9]


def _package(folder: Path) -> None:
    """Write a wheel of one empty module."""
    about = "tiny-1.dist-info"
    with zipfile.ZipFile(folder / "tiny-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny.py", "")
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n")
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(
            f"{about}/RECORD", f"tiny.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n"
        )


def _repository(folder: Path) -> None:
    """Write a repository that git reads as plain files."""
    for command in (
        ["init", "--quiet", "--bare", str(folder / "repository.git")],
        ["--git-dir", str(folder / "repository.git"), "update-server-info"],
    ):
        subprocess.run(["git", *command], check=True)
