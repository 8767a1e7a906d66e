"""Workers and GDAL know a portal's key as that portal's, and forget it when its user does."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.env
from rasterio.transform import from_origin
from support.running import running

from geodes_datalab import auth, config
from geodes_datalab.cubes.archive import served
from geodes_datalab.cubes.archive.copies import Place
from geodes_datalab.cubes.read import gdal
from geodes_datalab.cubes.read import pixels as reading
from geodes_datalab.cubes.share import credentials, sharing
from geodes_datalab.cubes.share.worker import CredentialsPlugin

FIRST, SECOND = "https://first.example", "http://127.0.0.1:9"
KEY = "k3y-of-the-first"


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    auth.use(None)
    credentials._settings = None


def arrive(plugin: CredentialsPlugin) -> None:
    """Bring a plugin to a worker: this process, as if it were another one."""
    plugin._home = ("elsewhere", 1)
    came = pickle.loads(pickle.dumps(plugin))
    auth.use(None)
    assert KEY not in repr(came)
    came.setup(None)


def test_a_worker_takes_the_key_for_the_portal_it_was_brought_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arrive(CredentialsPlugin(auth.ApiKey(KEY), config.load(portal=FIRST)))
    monkeypatch.setenv("GEODES_PORTAL", SECOND)  # the worker's own environment
    assert auth.header(FIRST + "/x", credentials.settings()) == {auth.HEADER: KEY}
    assert auth.header(SECOND + "/x", config.load()) == {}


def test_a_worker_forgets_a_key_that_its_user_forgot() -> None:
    settings = config.load(portal=FIRST)
    credentials.adopt(auth.ApiKey(KEY), settings)
    credentials.adopt(None, settings)
    assert auth.header(FIRST + "/x", settings) == {}


def test_what_is_shared_is_the_key_of_the_portal_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not that of the portal that happens to be configured."""
    brought: list[CredentialsPlugin] = []

    class Client:
        status, asynchronous = "running", False

        def register_plugin(self, plugin: CredentialsPlugin, name: str) -> None:
            brought.append(plugin)

    client = Client()
    monkeypatch.setattr(sharing, "_active_client", lambda: client)
    monkeypatch.setenv("GEODES_PORTAL", FIRST)
    monkeypatch.setenv("GEODES_API_KEY", KEY)
    sharing.share(config.load(portal=SECOND))
    sharing.share(config.load())
    assert [plugin._key for plugin in brought] == [None, auth.ApiKey(KEY)]


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://first.example:8443/x.tif",
        "http://first.example/x.tif",
        "https://a.first.example/x.tif",
        "https://evil.example\\@first.example/x.tif",
        "https://ada@first.example/x.tif",
        SECOND + "/x.tif",
    ],
)
def test_gdal_is_given_no_key_for_other_origins(
    monkeypatch: pytest.MonkeyPatch, elsewhere: str
) -> None:
    monkeypatch.setenv("GEODES_PORTAL", SECOND)
    auth.save(auth.ApiKey(KEY), FIRST)
    credentials.adopt(auth.ApiKey(KEY), config.load(portal=FIRST))
    with gdal.environment(f"/vsicurl/{elsewhere}"):
        assert KEY not in str(rasterio.env.getenv())
    credentials.adopt(None, config.load())
    with gdal.environment(f"/vsicurl/{elsewhere}"):
        assert KEY not in str(rasterio.env.getenv())


class Host:
    """Serves one file by ranges, or sends on; keeps every header it received."""

    def __init__(self, content: bytes, onward: Callable[[str], str]) -> None:
        self.seen, outer = list[tuple[str, dict[str, str]]](), self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                outer.seen.append((self.command, dict(self.headers.items())))
                if elsewhere := onward(self.command):
                    self.send_response(302)
                    self.send_header("Location", elsewhere + self.path)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                asked = self.headers.get("Range", "bytes=0-")[6:].split("-")
                begin, end = int(asked[0]), min(int(asked[1] or len(content)), len(content) - 1)
                self.send_response(206 if "Range" in self.headers else 200)
                if "Range" in self.headers:
                    self.send_header("Content-Range", f"bytes {begin}-{end}/{len(content)}")
                self.send_header("Content-Length", str(end + 1 - begin))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(content[begin : end + 1])

            def do_GET(self) -> None:
                self.do_HEAD()

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self.handler, self.url = Handler, ""

    def keys(self) -> list[str]:
        return [value for _, headers in self.seen for value in headers.values() if KEY in value]


@contextmanager
def host(content: bytes, onward: Callable[[str], str] = lambda _: "") -> Iterator[Host]:
    made = Host(content, onward)
    with running(made.handler) as server:
        made.url = server.url
        yield made


@pytest.mark.parametrize("sent_on", [(), ("HEAD",), ("HEAD", "GET")], ids=["none", "head", "all"])
def test_gdal_shows_the_key_to_nobody_else(tmp_path: Path, sent_on: tuple[str, ...]) -> None:
    """Also where the portal sends its HEAD, or everything, on to another host."""
    values = np.arange(360_000, dtype="uint16").reshape(600, 600)
    with rasterio.open(
        tmp_path / "x.tif", "w", driver="GTiff", width=600, height=600, count=1, dtype="uint16",
        crs="EPSG:32631", transform=from_origin(0, 0, 10, 10),
    ) as file:  # fmt: skip
        file.write(values, 1)
    content = (tmp_path / "x.tif").read_bytes()

    def read(path: str) -> Any:
        with rasterio.open(path) as file:
            return file.read(1)

    with host(content) as other:
        onward = lambda method: other.url if method in sent_on else ""  # noqa: E731
        with host(content, onward) as portal:
            credentials.adopt(auth.ApiKey(KEY), config.load(portal=portal.url, retries=0))
            for _ in range(2):
                path = f"/vsicurl/{portal.url}/{'-'.join(sent_on)}.tif"
                found = reading._guarded(reading.Source("S2", "B04", path), read)
                assert np.array_equal(found, values)
                served.forget(Place(f"{portal.url}/{'-'.join(sent_on)}.tif", None, ""))
            assert portal.keys()
            assert other.keys() == []
            assert bool(other.seen) is ("GET" in sent_on)
            assert {method for method, _ in portal.seen} == {"GET"}
