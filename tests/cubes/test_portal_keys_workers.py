"""Workers and GDAL know a portal's key as that portal's, and forget it when its user does."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest
import rasterio.env

from geodes_datalab import auth, config
from geodes_datalab.cubes import credentials, gdal
from geodes_datalab.cubes.worker import CredentialsPlugin

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
    monkeypatch.setattr(credentials, "_active_client", lambda: client)
    monkeypatch.setenv("GEODES_PORTAL", FIRST)
    monkeypatch.setenv("GEODES_API_KEY", KEY)
    credentials.share(config.load(portal=SECOND))
    credentials.share(config.load())
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
