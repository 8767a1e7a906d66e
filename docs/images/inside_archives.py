"""Draw inside-archives.svg: which bytes of an archive are read, as a server saw it.

Run it again after a change of the reader: ``python docs/images/inside_archives.py``. It makes an archive
of two bands, laid out like Sentinel-2's, reads from it over HTTP, and draws what was asked for.
"""

from __future__ import annotations

import io
import re
import tempfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.io import MemoryFile
from rasterio.shutil import copy

from geodes_datalab import _http
from geodes_datalab.config import load
from geodes_datalab.cubes.archive.archives import Archive
from geodes_datalab.cubes.archive.copies import Place, View
from geodes_datalab.cubes.archive.reader import lent
from geodes_datalab.cubes.archive.window import Window

SIZE = 4096
JP2 = {
    "driver": "JP2OpenJPEG", "QUALITY": "100", "REVERSIBLE": "YES", "PLT": "YES", "RESOLUTIONS": "6",
    "BLOCKXSIZE": "1024", "BLOCKYSIZE": "1024", "PRECINCTS": ",".join(["{256,256}"] * 6),
    "CODEBLOCK_WIDTH": "64", "CODEBLOCK_HEIGHT": "64", "PROFILE": "UNRESTRICTED",
}  # fmt: skip
READS = (
    ("512 x 512 pixels of one band", View(Window(1800, 1700, 2312, 2212), 0)),
    ("another 512 x 512 pixels, the tiles' places being known", View(Window(3100, 900, 3612, 1412), 0)),
    ("the whole band at 1/16 of its resolution", View(Window(0, 0, SIZE, SIZE), 4)),
)  # fmt: skip
LEFT, WIDTH, HIGH, STEP = 20, 860, 26, 74
INK, DIM, RED = "#334155", "#dbe2ea", "#c2410c"


def image(seed: int) -> bytes:
    """Make a band: noise on slopes, which is as hard to compress as land."""
    chance = np.random.default_rng(seed)
    slopes = np.add.outer(np.arange(SIZE) // 4, np.arange(SIZE) // 5)
    pixels = (slopes + chance.integers(0, 300, (SIZE, SIZE))).astype("uint16")
    with MemoryFile() as memory, MemoryFile(ext=".jp2") as made:
        with memory.open(
            driver="GTiff", width=SIZE, height=SIZE, count=1, dtype="uint16", crs="EPSG:32631",
            transform=rasterio.Affine(10, 0, 600_000, 0, -10, 4_850_020),
        ) as target:  # fmt: skip
            target.write(pixels, 1)
        with memory.open() as source:
            copy(source, made.name, **JP2)
        return bytes(made.getbuffer())


class Server(ThreadingHTTPServer):
    """One file, by ranges; remembers which were asked for."""

    daemon_threads = True

    def __init__(self, data: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Visit)
        self.data, self.spans = data, list[tuple[int, int]]()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Visit(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
        assert asked is not None
        begin, end = int(asked[1]), int(asked[2]) + 1
        self.server.spans.append((begin, end))
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{len(self.server.data)}")
        self.send_header("Content-Length", str(end - begin))
        self.end_headers()
        self.wfile.write(self.server.data[begin:end])

    def log_message(self, *_: Any) -> None:
        pass


def text(x: float, y: float, words: str, colour: str = INK) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}">{words}</text>'


def bar(begin: float, end: float, y: float, high: float, colour: str) -> str:
    width = max(end - begin, 1.5)  # what is too small to see is drawn a little larger
    return f'<rect x="{LEFT + begin:.1f}" y="{y:.1f}" width="{width:.1f}" height="{high}" fill="{colour}"/>'


def row(y: float, title: str, spans: list[tuple[int, int]], size: int) -> list[str]:
    scale, read = WIDTH / size, sum(end - begin for begin, end in spans)
    told = f"{title}: {read / 1e6:.1f} MB of {size / 1e6:.0f} MB, in {len(spans)} requests"
    parts = [bar(begin * scale, end * scale, y + 8, HIGH, RED) for begin, end in spans]
    return [text(LEFT, y, told), bar(0, WIDTH, y + 8, HIGH, DIM), *parts]


def main() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        made.writestr("P.SAFE/MTD.xml", b"<xml/>" * 1000)
        for name, seed in (("B04", 1), ("B08", 2)):
            made.writestr(f"P.SAFE/{name}.jp2", image(seed))
    server = Server(stream.getvalue())
    size = len(server.data)
    place = Place(f"http://127.0.0.1:{server.server_port}/P.zip", size, "P.SAFE/B04.jp2")
    drawn: list[str] = []
    with tempfile.TemporaryDirectory() as folder, _http.Client(load(cache_dir=folder)) as client:
        for index, (title, view) in enumerate(READS):
            server.spans.clear()
            with lent(client, place, lambda _, view=view: view):
                drawn += row(112 + STEP * index, title, list(server.spans), size)
        entries = Archive(client, place.url, size).directory.entries
    scale = WIDTH / size
    for name in ("P.SAFE/B04.jp2", "P.SAFE/B08.jp2"):
        entry = entries[name]
        begin = entry.offset * scale
        drawn.append(bar(begin + 1, begin + entry.size * scale - 1, 40, HIGH, "#94a3b8"))
        drawn.append(text(LEFT + begin + 8, 58, name.rpartition("/")[2], "white"))
    drawn.append(text(LEFT, 28, "the archive: two bands, and the directory at its end"))
    height = 112 + STEP * len(READS) - 20
    Path(__file__).with_name("inside-archives.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 2 * LEFT} {height}" '
        'font-family="sans-serif" font-size="14" role="img">\n'
        "<title>Which bytes of an archive are read</title>\n"
        f'<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(drawn) + "\n</svg>\n"
    )
    server.shutdown()
    server.server_close()


if __name__ == "__main__":
    main()
