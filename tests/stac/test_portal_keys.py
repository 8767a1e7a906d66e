"""A key is seen by the portal it belongs to, and by no other origin: two real portals on two ports."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from support.running import running
from support.waiting import minutes

import geodes_datalab as gd
from geodes_datalab import auth, config
from geodes_datalab._http import Client
from geodes_datalab.errors import ConfigurationError, GeodesError, StorageError
from geodes_datalab.stac import Items, quota
from geodes_datalab.standin import StandIn

QUOTA = "/processing/download/get"
FIRST, SECOND = "k3y-of-the-first", "k3y-of-the-second"


class Portal:
    """A portal that takes one key, and keeps every header of every request it received."""

    def __init__(self, key: str) -> None:
        self.key, self.seen = key, list[dict[str, str]]()
        self.elsewhere = ""
        """Where it sends people on to."""
        self.pages = dict[str, Any]()
        """Answers to paths, for whoever asks."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.seen.append(dict(self.headers.items()))
                if outer.elsewhere:
                    self.send_response(302)
                    self.send_header("Location", outer.elsewhere + self.path)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                page = outer.pages.get(self.path.partition("?")[0])
                good = page is not None or self.headers.get("X-API-Key") == outer.key
                answer = page or ({"maxQuota": 9, "remainingQuota": 8} if good else {})
                body = json.dumps(answer).encode()
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(200 if good else 401)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: Any) -> None:
                """Nothing: the tests' output is theirs."""

        self.handler, self.url = Handler, ""

    def has_seen(self, key: str) -> bool:
        """Tell whether a key stood in any header, whatever its name."""
        return any(key in value for headers in self.seen for value in headers.values())


@contextmanager
def portal(key: str) -> Iterator[Portal]:
    made = Portal(key)
    with running(made.handler) as server:
        made.url = server.url
        yield made


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Portal, Portal]]:
    """Two portals; the first is the configured one."""
    with portal(FIRST) as first, portal(SECOND) as second:
        monkeypatch.setenv("GEODES_PORTAL", first.url)
        monkeypatch.setenv("GEODES_RETRIES", "0")
        yield first, second


def ask(at: Portal, path: str = QUOTA) -> None:
    """Ask a portal as a program does that found no key anywhere but where they are looked for."""
    with Client(config.load(portal=at.url)) as client:
        told = said(lambda: client.get_json(at.url + path))
    assert FIRST not in told
    assert SECOND not in told


def said(call: Callable[[], object]) -> str:
    """Return what an error says of it, if there is one."""
    try:
        call()
    except GeodesError as error:
        return f"{error} {error!r}"
    return ""


def as_in_a_new_process() -> None:
    auth.use(None)


@pytest.mark.parametrize("store", [True, False], ids=["stored", "process"])
def test_the_key_of_another_portal_is_not_sent_to_the_default_one(
    two: tuple[Portal, Portal], store: bool
) -> None:
    first, second = two
    gd.login(SECOND, endpoint=second.url, store=store)
    ask(first)
    gd.status()
    assert first.seen
    assert not first.has_seen(SECOND)
    if store:
        as_in_a_new_process()
        ask(first)
        assert not first.has_seen(SECOND)
    ask(second)
    assert second.has_seen(SECOND)


def test_portals_have_keys_side_by_side(two: tuple[Portal, Portal]) -> None:
    first, second = two
    gd.login(FIRST)
    gd.login(SECOND, endpoint=second.url)
    as_in_a_new_process()
    for at in two:
        assert quota(config=config.load(portal=at.url)).remaining == 8
    assert not first.has_seen(SECOND)
    assert not second.has_seen(FIRST)


def test_logging_out_takes_one_away(two: tuple[Portal, Portal]) -> None:
    first, second = two
    gd.login(FIRST)
    gd.login(SECOND, endpoint=second.url)
    assert gd.logout(endpoint=second.url) is True
    assert gd.logout(endpoint=second.url) is False
    second.seen.clear()
    ask(second)
    assert not second.has_seen(SECOND)
    assert SECOND not in auth.credentials_file().read_text()
    as_in_a_new_process()
    assert quota().remaining == 8
    assert gd.logout() is True
    assert FIRST not in auth.credentials_file().read_text()
    assert auth.find() is None
    assert first.has_seen(FIRST)


def test_logging_out_of_a_process(two: tuple[Portal, Portal]) -> None:
    gd.login(FIRST, store=False)
    assert gd.logout() is True
    assert auth.find() is None
    assert not auth.credentials_file().exists()


def old_file(text: str) -> Path:
    path = auth.credentials_file()
    path.parent.mkdir(parents=True)
    path.write_text(text)
    path.chmod(0o644)
    return path


def test_a_key_without_a_portal_is_the_configured_ones(two: tuple[Portal, Portal]) -> None:
    """As they were stored before keys had a portal."""
    first, second = two
    path = old_file(f'api_key = "{FIRST}"\ns3_region = "x"\n')
    ask(second)
    assert not second.has_seen(FIRST)
    assert quota().remaining == 8
    gd.login(SECOND, endpoint=second.url)
    as_in_a_new_process()
    assert quota().remaining == 8
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text()
    assert "api_key" not in text
    assert f'"{first.url}" = "{FIRST}"' in text
    assert 's3_region" = "x"' in text or 's3_region = "x"' in text


def test_a_key_without_a_portal_is_bound_by_the_next_login(
    two: tuple[Portal, Portal], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, second = two
    old_file('api_key = "an-0ld-one"\n')
    gd.login(FIRST)
    as_in_a_new_process()
    assert auth.api_key() == auth.ApiKey(FIRST)
    monkeypatch.setenv("GEODES_PORTAL", second.url)
    assert auth.find() is None
    ask(second)
    assert not second.has_seen(FIRST)
    assert not second.has_seen("an-0ld-one")


@pytest.mark.parametrize("way", ["variable", "hub"])
def test_the_environments_key_is_the_configured_portals(
    two: tuple[Portal, Portal], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, way: str
) -> None:
    first, second = two
    if way == "hub":
        (tmp_path / "key").write_text(FIRST)
        monkeypatch.setenv("GEODES_API_KEY_FILE", str(tmp_path / "key"))
    else:
        monkeypatch.setenv("GEODES_API_KEY", FIRST)
    ask(second)
    assert not second.has_seen(FIRST)
    ask(first)
    assert first.has_seen(FIRST)


def test_nothing_follows_a_redirect_to_another_portal(two: tuple[Portal, Portal]) -> None:
    """Not even the key of that other one: who is sent there did not choose to."""
    first, second = two
    gd.login(FIRST)
    gd.login(SECOND, endpoint=second.url)
    first.elsewhere = second.url
    second.seen.clear()
    ask(first)
    assert second.seen
    assert not second.has_seen(FIRST)
    assert not second.has_seen(SECOND)


HOSTILE = {
    "backslash": "http://{second}\\@{first}/x",
    "name": "http://{first}@{second}/x",
    "name-of-it": "http://ada@{first}/x",
    "password": "http://ada:word@{first}/x",
    "query": "http://{second}/?http://{first}",
    "fragment": "http://{second}/#@{first}",
    "localhost": "http://localhost:{port}/x",
    "subdomain": "http://x.{first}/x",
}


@pytest.mark.parametrize("which", HOSTILE)
def test_no_spelling_of_an_address_sends_the_key_elsewhere(
    two: tuple[Portal, Portal], which: str
) -> None:
    first, second = two
    hosts = {"first": first.url[7:], "second": second.url[7:], "port": first.url.rpartition(":")[2]}
    url = HOSTILE[which].format(**hosts)
    settings = config.load(portal=first.url)
    assert auth.header(url, settings, auth.ApiKey(FIRST)) == {}
    with Client(settings, auth.ApiKey(FIRST)) as client:
        client.part(url, 0, 8)
        for read in (client.get_json, client.probe):
            assert "word" not in said(partial(read, url))
    assert not second.has_seen(FIRST)
    assert not first.has_seen("ada")


def test_two_processes_log_in_at_once(two: tuple[Portal, Portal]) -> None:
    """Each reads the file, changes it and writes it: none may lose what the other wrote."""
    code = (
        "import sys; from geodes_datalab import auth\n"
        "for n in range(25): auth.save(auth.ApiKey(f'k{n}'), f'https://p{n}.{sys.argv[1]}.example')"
    )
    names = ["a", "b", "c"]
    running = [subprocess.Popen([sys.executable, "-c", code, name]) for name in names]
    assert [one.wait(timeout=minutes(2)) for one in running] == [0, 0, 0]
    expected = sorted(f"https://p{n}.{name}.example" for n in range(25) for name in names)
    assert auth.portals() == expected
    assert [path.name for path in auth.credentials_file().parent.iterdir()] == ["credentials.toml"]


def test_a_damaged_file_is_told_and_kept(two: tuple[Portal, Portal]) -> None:
    path = old_file(f'[keys\n"{two[0].url}" = "{SECOND}')
    before = path.read_bytes()
    for verb in (lambda: gd.login(FIRST), gd.logout):
        with pytest.raises(ConfigurationError) as told:
            verb()
        assert str(path) in str(told.value)
        assert SECOND not in str(told.value)
        as_in_a_new_process()
    assert path.read_bytes() == before
    assert str(path) in gd.status().key


@pytest.mark.parametrize(
    "keys", ['keys = "x"', "keys = {nowhere = 'x'}", "[keys]\n'http://a@b' = 'x'"]
)
def test_a_table_of_keys_that_is_none_is_told(two: tuple[Portal, Portal], keys: str) -> None:
    old_file(keys)
    with pytest.raises(ConfigurationError, match="no table of portals"):
        auth.find()


def test_a_home_that_cannot_be_written_serves_this_process(
    two: tuple[Portal, Portal], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(StorageError, match="Read-only file system"):
        gd.login(FIRST)
    assert quota().remaining == 8
    assert not auth.credentials_file().exists()


def test_what_else_stands_in_the_file_is_kept(two: tuple[Portal, Portal]) -> None:
    import tomllib

    text = (
        'a = "é\\"\\\\\\u007f😀"\nb = [1, 2.5, true]\nc = 2020-01-01T00:00:00Z\nd = 2020-01-01\n'
        '[t]\nu = "v"\n[t.w]\n"x y" = 1\n[[many]]\nn = 1\n'
    )
    path = old_file(text)
    gd.login(FIRST)
    found = tomllib.loads(path.read_text("utf-8"))
    assert found.pop("keys") == {two[0].url: FIRST}
    assert found == tomllib.loads(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://GEODES.example", "https://geodes.example:443/"),
        ("https://geodes.example.", "https://geodes.example"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://BÜCHER.example", "https://bücher.example/x"),
        ("https://straße.example", "https://xn--strae-oqa.example"),
        ("http://[::1]:80/", "http://[::1]/"),
    ],
    ids=["case", "dot", "idna", "idna-case", "sharp-s", "ipv6"],
)
def test_spellings_of_one_portal(one: str, other: str) -> None:
    auth.save(auth.ApiKey(FIRST), one)
    assert auth.api_key(portal=other) == auth.ApiKey(FIRST)
    auth.save(auth.ApiKey(SECOND), other)
    assert len(auth.portals()) == 1
    assert auth.api_key(portal=one) == auth.ApiKey(SECOND)


@pytest.mark.parametrize(
    "other",
    [
        "http://geodes.example",
        "https://geodes.example:8443",
        "https://www.geodes.example",
        "https://geodes.example.org",
        "https://geodes.example:0",
        "http://geodes.example:443",
    ],
)
def test_others_are_others(other: str) -> None:
    auth.save(auth.ApiKey(FIRST), "https://geodes.example")
    assert auth.api_key(portal=other) is None
    settings = config.load(portal="https://geodes.example")
    assert auth.header(other + "/x", settings) == {}


@pytest.mark.parametrize(
    "portal",
    ["https://ada@geodes.example", "https://:word@geodes.example", "https://@geodes.example",
     "https://geodes.example:word", "https://geodes.example:0", "https://[::1"],
)  # fmt: skip
def test_a_portal_that_is_no_plain_address_is_refused(portal: str) -> None:
    with pytest.raises(ConfigurationError):
        gd.login(FIRST, endpoint=portal)


def test_the_status_names_the_portals_that_have_keys(two: tuple[Portal, Portal]) -> None:
    gd.login(SECOND, endpoint=two[1].url)
    told = gd.status()
    assert two[1].url in told.key
    assert SECOND not in repr(told) + str(told)


def test_pages_and_assets_on_another_host_get_no_key(
    portal: StandIn, geodes_factory: Callable[..., StandIn], tmp_path: Path
) -> None:
    """A catalogue whose ``next`` link and files lead to the other portal."""
    other = geodes_factory()
    gd.login(portal.api_key)
    gd.login(other.api_key, endpoint=other.url)
    other.requests.clear()
    items = gd.search("PEPS_S2_L1C", limit=1)
    document = items[0].to_dict(transform_hrefs=False)
    for asset in document["assets"].values():
        asset["href"] = asset["href"].replace(portal.url, other.url)
    with pytest.raises(GeodesError):
        gd.download(Items([document]), tmp_path)
    assert other.requests
    assert {request.key for request in other.requests} == {"absent"}


def test_the_next_page_on_another_portal_gets_no_key(
    two: tuple[Portal, Portal], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    gd.login(FIRST)
    gd.login(SECOND, endpoint=second.url)
    monkeypatch.setenv("GEODES_DIALECT", "stac")
    second.seen.clear()
    api = first.url + "/api/stac"
    conforms = [
        "https://api.stacspec.org/v1.0.0/core",
        "https://api.stacspec.org/v1.0.0/item-search",
    ]
    first.pages["/api/stac"] = {
        "type": "Catalog", "stac_version": "1.0.0", "id": "x", "description": "x",
        "conformsTo": conforms,
        "links": [
            {"rel": "self", "href": api}, {"rel": "root", "href": api},
            {"rel": "search", "href": api + "/search", "method": "POST",
             "type": "application/geo+json"},
        ],
    }  # fmt: skip
    item = {
        "type": "Feature", "stac_version": "1.0.0", "id": "one", "collection": "c", "links": [],
        "geometry": {"type": "Point", "coordinates": [1, 2]}, "bbox": [1, 2, 1, 2], "assets": {},
        "properties": {"datetime": "2024-01-01T00:00:00Z"},
    }  # fmt: skip
    onward = {"rel": "next", "href": second.url + "/more", "method": "GET"}
    page = {"type": "FeatureCollection", "features": [item], "links": [onward]}
    first.pages["/api/stac/search"] = page
    second.pages["/more"] = {**page, "features": [{**item, "id": "two"}], "links": []}
    assert {found.id for found in gd.search("c", limit=2)} == {"one", "two"}
    assert second.seen
    assert not second.has_seen(FIRST)
    assert not second.has_seen(SECOND)
