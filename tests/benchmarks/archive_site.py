"""What the benchmarks of archives read: a product of 500 MB, COGs, and an nginx that is far away.

The image is written once, with the layout of Sentinel-2 (10,980 pixels, tiles of 1024, five resolutions,
lengths of packets, no index of tiles), and kept in the tests' cache. nginx waits before each answer and
limits each connection, as a distant server does; its log counts requests and bytes of all who ask.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.io import MemoryFile
from rasterio.shutil import copy
from rasterio.transform import from_origin
from support.ports import free_ports
from support.waiting import Hopeless, eventually, minutes

SIDE, COG_SIDE = 10_980, 4_096
BANDS = ("B02", "B03", "B04", "B08")
PRODUCTS, DATES = 12, 12
KEY = "s3cret"
MODULES = Path("/usr/lib/nginx/modules")
NAME = "S2A_MSIL1C_20240204T105631_N0510_R094_T31TCJ_20240204T124805"
MEMBER = f"{NAME}.SAFE/GRANULE/L1C_T31TCJ_A045000_20240204T105631/IMG_DATA/T31TCJ_20240204T105631_{{}}.jp2"
ORIGIN = (300_000, 4_900_020)

_JP2 = {
    "QUALITY": "100", "REVERSIBLE": "YES", "YCBCR420": "NO", "BLOCKXSIZE": "1024", "BLOCKYSIZE": "1024",
    "RESOLUTIONS": "5", "PRECINCTS": ",".join(["{256,256}"] * 5), "PLT": "YES", "TLM": "NO",
    "PROFILE": "UNRESTRICTED", "GMLJP2": "YES", "GeoJP2": "NO", "NUM_THREADS": "2",
}  # fmt: skip

_CONF = """
load_module {modules}/ndk_http_module.so;
load_module {modules}/ngx_http_lua_module.so;
daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log warn; {user}
events {{ worker_connections 1024; }}
http {{
  log_format counted '$request_method $uri $status $body_bytes_sent';
  access_log {folder}/access.log counted;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  sendfile on; keepalive_timeout 120; keepalive_requests 1000000;
  default_type application/octet-stream;
  server {{
    listen 127.0.0.1:{port};
    location /far/ {{
      alias {files}/; limit_rate 12m;
      access_by_lua_block {{
        if ngx.var.http_x_api_key ~= "{key}" then return ngx.exit(401) end ngx.sleep(0.05)
      }}
    }}
    location /cogs/ {{ alias {files}/; access_by_lua_block {{ ngx.sleep(0.03) }} }}
  }}
}}
"""


def missing() -> str:
    """Tell what is missing for a distant server; nothing where all is there."""
    if shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        return "needs nginx (Debian: nginx-light)"
    if not (MODULES / "ngx_http_lua_module.so").exists():
        return "needs the Lua module of nginx (Debian: libnginx-mod-http-lua)"
    return ""


class Site:
    """nginx over a folder, with a delay before each answer and a limit to each connection."""

    def __init__(self, folder: Path, files: Path) -> None:
        (self.port,) = free_ports(1)
        self._log = folder / "access.log"
        conf = folder / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        conf.write_text(
            _CONF.format(
                modules=MODULES, folder=folder, files=files, port=self.port, key=KEY, user=user
            )
        )
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        self._process = subprocess.Popen([str(program), "-c", str(conf), "-p", str(folder)])
        self.url = f"http://127.0.0.1:{self.port}"
        self._wait()

    def _wait(self) -> None:
        def listens() -> bool:
            if self._process.poll() is not None:
                raise Hopeless(f"it ended with {self._process.returncode}")
            with socket.create_connection(("127.0.0.1", self.port)):
                return True

        errors = self._log.with_name("error.log")
        eventually(listens, "nginx", scene=errors.read_text)

    def counted(self) -> tuple[int, int]:
        """Return requests and bytes since the last call."""
        time.sleep(
            0.3
        )  # patience: nginx writes its last lines when the client has all; for figures only
        lines = self._log.read_text().splitlines()
        with self._log.open("r+") as stream:
            stream.truncate(0)
        return len(lines), sum(int(line.split()[-1]) for line in lines)

    def close(self) -> None:
        """Stop the server."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(minutes(1))


def products(cache: Path) -> Path:
    """Return a folder with the product, its copies by name, and the COGs; made at the first call."""
    folder = cache / "far-archives-1"
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _zip(folder / "p00.zip", _image())
        for number in range(1, PRODUCTS):
            _link(folder / f"p{number:02d}.zip", "p00.zip")
        _cogs(folder)
        (folder / "done").touch()
    return folder


def _link(path: Path, target: str) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _scene(side: int, seed: int) -> Any:
    """Return a scene whose lossless JPEG 2000 has about seven bits a pixel, as Sentinel-2's."""
    chance = np.random.default_rng(seed)
    y, x = np.ogrid[:side, :side]
    slopes = 1500 + 600 * np.sin(x / 211.0) + 500 * np.cos(y / 173.0)
    scene = np.empty((side, side), "uint16")
    for top in range(0, side, 512):
        rows = slice(top, min(top + 512, side))
        noise = chance.normal(0, 32, (rows.stop - top, side))
        scene[rows] = np.clip(slopes[rows] + noise, 1, 10_000)
    return scene


def _write(path: str, pixels: Any, **options: str) -> None:
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff", width=pixels.shape[1], height=pixels.shape[0], count=1, dtype="uint16",
            crs="EPSG:32631", transform=from_origin(*ORIGIN, 10, 10), tiled=True,
        ) as target:  # fmt: skip
            target.write(pixels, 1)
        with memory.open() as source:
            copy(source, path, **options)


def _image() -> bytes:
    with MemoryFile(ext=".jp2") as made:
        _write(made.name, _scene(SIDE, 0), driver="JP2OpenJPEG", **_JP2)
        return bytes(made.getbuffer())


def _zip(path: Path, image: bytes) -> None:
    """Write a product: the bands stored, and what else there is up to 500 MB."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for number in range(100):
            archive.writestr(f"{NAME}.SAFE/QI_DATA/{number}.xml", b"<a>23.4 55.1</a>\n" * 400)
        for band in BANDS:
            archive.writestr(MEMBER.format(band), image)
        rest = 500_000_000 - path.stat().st_size
        if rest > 0:
            archive.writestr(f"{NAME}.SAFE/rest.bin", np.random.default_rng(1).bytes(rest))


def _cogs(folder: Path) -> None:
    for seed, band in enumerate(BANDS):
        path = folder / f"d00_{band}.tif"
        _write(
            str(path), _scene(COG_SIDE, seed), driver="COG", BLOCKSIZE="512", COMPRESS="DEFLATE",
            PREDICTOR="2", NUM_THREADS="2",
        )  # fmt: skip
        for date in range(1, DATES):
            _link(folder / f"d{date:02d}_{band}.tif", path.name)


def read_truth(folder: Path, window: tuple[int, int, int, int]) -> Any:
    """Return pixels of the image as GDAL reads them from the archive on disk (rows, columns)."""
    top, bottom, left, right = window
    with rasterio.open(f"/vsizip/{{{folder / 'p00.zip'}}}/{MEMBER.format('B03')}") as file:
        return file.read(1, window=((top, bottom), (left, right)))
