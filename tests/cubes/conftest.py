"""Small products on disk, made as a catalogue would describe them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from geodes_datalab.standin import Catalogue, StandIn, serve


@dataclass
class Shelf:
    """A folder of COGs and the items that describe them."""

    folder: Path

    def cog(
        self, name: str, pixels: Any, transform: Affine, crs: str, nodata: float | None
    ) -> Path:
        path = self.folder / f"{name}.tif"
        with rasterio.open(
            path, "w", driver="COG", height=pixels.shape[0], width=pixels.shape[1], count=1,
            dtype=pixels.dtype, crs=crs, transform=transform, nodata=nodata,
            BLOCKSIZE=128, OVERVIEWS="NONE",
        ) as file:  # fmt: skip
            file.write(pixels, 1)
        return path

    def item(
        self,
        name: str,
        *,
        start: str = "2024-03-01T10:50:31.024Z",
        origin: tuple[float, float] = (600_000, 4_850_020),
        size: tuple[int, int] = (200, 300),
        step: float = 10.0,
        crs: str = "EPSG:32631",
        bands: dict[str, Any] | None = None,
        nodata: float | None = 0,
        seed: int = 0,
        projection: bool = True,
    ) -> dict[str, Any]:
        """Write one file for each band, and return the item."""
        transform = Affine(step, 0, origin[0], 0, -step, origin[1])
        generator = np.random.default_rng(seed)
        assets = {}
        for band in bands or {"B04": None, "B08": None}:
            pixels = generator.integers(0, 10_000, size).astype("uint16")
            pixels[generator.random(size) < 0.1] = 0
            given = (bands or {}).get(band)
            path = self.cog(
                f"{name}_{band}", given if given is not None else pixels, transform, crs, nodata
            )
            assets[band] = {
                "href": str(path),
                "type": "image/tiff; application=geotiff",
                "roles": ["data"],
                "bands": [{"eo:common_name": {"B04": "red", "B08": "nir"}.get(band)}],
            }
        properties: dict[str, Any] = {
            "datetime": start,
            "start_datetime": start,
            "end_datetime": start,
        }
        if projection:
            properties |= {
                "proj:code": crs, "proj:shape": list(size), "proj:transform": list(transform)[:6],
            }  # fmt: skip
        return {
            "type": "Feature", "stac_version": "1.1.0", "stac_extensions": [], "id": name,
            "collection": "local-cogs", "geometry": None, "properties": properties,
            "assets": assets, "links": [],
        }  # fmt: skip


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.fixture(scope="session")
def session_shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    return Shelf(tmp_path_factory.mktemp("shelf"))


class Site(ThreadingHTTPServer):
    """A web site of files in memory, which may want a key, or send elsewhere."""

    daemon_threads = True

    def __init__(
        self, files: dict[str, bytes], *, key: str | None = None, to: Site | None = None
    ) -> None:
        super().__init__(("127.0.0.1", 0), Visit)
        self.files, self.key, self.to = files, key, to
        self.seen: list[dict[str, str | None]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


class Visit(BaseHTTPRequestHandler):
    """One connection to a `Site`."""

    server: Site
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        site, sent = self.server, self.headers.get("X-API-Key")
        site.seen.append({"path": self.path, "key": sent})
        name = self.path.partition("?")[0].lstrip("/")
        if site.key is not None and sent != site.key:
            self.answer(403)
        elif site.to is not None:
            self.answer(302, Location=f"{site.to.url}/{name}?signature=abc")
        elif name in site.files:
            self.send(site.files[name])
        else:
            self.answer(404)

    def answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for header, value in ({"Content-Length": "0"} | headers).items():
            self.send_header(header, value)
        self.end_headers()

    def send(self, data: bytes) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        first = int(asked[1]) if asked else 0
        last = min(int(asked[2] or len(data)) if asked else len(data), len(data) - 1)
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data[first : last + 1])


@pytest.fixture
def site() -> Iterator[Callable[..., Site]]:
    """Return a function that starts a web site; takes the arguments of `Site`."""
    started: list[Site] = []

    def start(*arguments: Any, **options: Any) -> Site:
        started.append(Site(*arguments, **options))
        return started[-1]

    yield start
    for one in started:
        one.shutdown()
        one.server_close()


@pytest.fixture(scope="module")
def samples_portal(samples_catalogue: Catalogue) -> Iterator[StandIn]:
    """Serve the sample catalogue to all tests of a file."""
    with serve(samples_catalogue) as running:
        yield running


@pytest.fixture
def account(samples_portal: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Have a key of that portal."""
    monkeypatch.setenv("GEODES_PORTAL", samples_portal.url)
    monkeypatch.setenv("GEODES_API_KEY", samples_portal.api_key)
    return samples_portal


@pytest.fixture
def portal(geodes: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Have a key of a portal of this test's own, which is asked twice more at once."""
    monkeypatch.setenv("GEODES_PORTAL", geodes.url)
    monkeypatch.setenv("GEODES_API_KEY", geodes.api_key)
    monkeypatch.setenv("GEODES_BACKOFF", "0.01")
    monkeypatch.setenv("GEODES_RETRIES", "2")
    return geodes
