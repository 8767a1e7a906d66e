"""The HTTP package against a real server that misbehaves on request."""

from __future__ import annotations

import json
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from support.running import running
from support.waiting import minutes
from support.web_proxy import WebProxy

from geodes_datalab import _http, _proxies, auth, config
from geodes_datalab._http import Client, parts
from geodes_datalab._http.client import MOST_PAGES
from geodes_datalab.errors import (
    AuthenticationError,
    QuotaError,
    RequestError,
    ServiceError,
)

KEY = "k3y-of-the-tests"


class _Handler(BaseHTTPRequestHandler):
    """Answers by the first part of the path; counts and keeps what it saw."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        server: Any = self.server
        server.seen.append((self.path, dict(self.headers)))
        verb, _, rest = self.path.lstrip("/").partition("/")
        getattr(self, f"on_{verb}")(rest)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def reply(self, status: int, body: Any = None, **headers: str) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        headers.setdefault("Content_Type", "application/json")
        headers.setdefault("Content_Length", str(len(raw)))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(raw)

    def on_ok(self, _: str) -> None:
        self.reply(200, {"ok": True})

    def on_list(self, _: str) -> None:
        self.reply(200, b"[1]")

    def on_html(self, _: str) -> None:
        self.reply(200, b"<html>please log in</html>", Content_Type="text/html")

    def on_status(self, rest: str) -> None:
        code, _, message = rest.partition("/")
        self.reply(int(code), {"message": message.replace("_", " ")})

    def on_flaky(self, rest: str) -> None:
        server: Any = self.server
        times = sum(path == self.path for path, _ in server.seen)
        self.reply(503 if times <= int(rest) else 200, {"times": times})

    def on_later(self, rest: str) -> None:
        self.reply(429, {"message": "quota"}, Retry_After=rest)

    def on_to(self, rest: str) -> None:
        self.reply(302, {}, Location=rest)

    def on_loop(self, _: str) -> None:
        self.reply(302, {}, Location=self.path)

    def on_cut(self, _: str) -> None:
        self.reply(200, b"half", Content_Type="application/zip", Content_Length="8")
        self.close_connection = True

    def on_range(self, _: str) -> None:
        if "Range" in self.headers:
            self.reply(
                206,
                b"P",
                Content_Type="application/zip",
                Content_Range="bytes 0-0/1234",
                ETag='"v1"',
            )
        else:
            self.reply(200, b"PK", Content_Type="application/zip")

    def on_part(self, _: str) -> None:
        begin, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
        file = bytes(range(200))
        told = f"bytes {begin}-{last}/{len(file)}"
        self.reply(206, file[int(begin) : int(last) + 1], Content_Range=told, ETag='"v1"')

    def on_torn(self, _: str) -> None:
        self.reply(206, b"half", Content_Range="bytes 0-7/200", Content_Length="8")
        self.close_connection = True

    def on_packed(self, _: str) -> None:
        told = "bytes 0-7/200"
        self.reply(206, b"12345678", Content_Range=told, Content_Encoding="gzip")

    def on_whole(self, _: str) -> None:
        self.reply(200, b"PK34", Content_Type="application/zip")

    def on_silent(self, _: str) -> None:
        self.server.over.wait(minutes(2))  # type: ignore[attr-defined]
        self.close_connection = True


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    with running(_Handler, seen=[], over=threading.Event()) as httpd:
        yield httpd


@pytest.fixture
def client(server: Any) -> Iterator[Client]:
    server.seen.clear()
    settings = config.load(portal=server.url, retries=2, backoff=0.01, timeout=minutes(1))
    with Client(settings, auth.ApiKey(KEY)) as made:
        yield made


def test_json_comes_and_the_key_goes_to_the_portal(client: Client, server: Any) -> None:
    assert client.get_json(server.url + "/ok") == {"ok": True}
    assert client.post_json(server.url + "/ok", {"a": 1}) == {"ok": True}
    assert [headers.get("X-API-Key") for _, headers in server.seen] == [KEY, KEY]


def test_the_key_does_not_follow_a_redirect_to_another_origin(client: Client, server: Any) -> None:
    with running(_Handler, seen=[]) as other:
        client.get_json(f"{server.url}/to/{other.url}/ok")
    assert "X-API-Key" in server.seen[0][1]
    assert "X-API-Key" not in other.seen[0][1]


def test_a_failing_server_is_asked_again_and_again_but_not_for_ever(
    client: Client, server: Any
) -> None:
    assert client.get_json(server.url + "/flaky/2") == {"times": 3}
    with pytest.raises(ServiceError, match="answered 503") as caught:
        client.get_json(server.url + "/flaky/9")
    assert caught.value.status == 503
    assert sum(path == "/flaky/9" for path, _ in server.seen) == 3


def test_a_long_retry_after_is_an_answer(client: Client, server: Any) -> None:
    with pytest.raises(QuotaError, match="used up"):
        client.get_json(server.url + "/later/3600")
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("path", "error", "text"),
    [
        ("/status/401/bad_key", AuthenticationError, "the API key was refused"),
        ("/status/403/forbidden", AuthenticationError, "the API key was refused"),
        (
            "/status/403/Downloading_products_per_hour_exceeds_quota_limit",
            QuotaError,
            "exceeds quota limit",
        ),
        ("/status/400/no_such_collection", RequestError, "no such collection"),
        ("/loop", AuthenticationError, "redirects in a loop, as it does for a wrong key"),
        ("/html", ServiceError, "not JSON"),
        ("/list", ServiceError, "JSON of an unexpected kind"),
    ],
)
def test_failures_are_told_in_words(
    client: Client, server: Any, path: str, error: Any, text: str
) -> None:
    with pytest.raises(error, match=text) as caught:
        client.get_json(server.url + path)
    assert caught.value.hint
    with_locals = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert KEY not in "".join(with_locals.format())


def test_silence_is_told_in_words(server: Any) -> None:
    settings = config.load(
        portal=server.url, retries=1, backoff=0.01, timeout=0.3
    )  # patience: its own
    try:
        with Client(settings, auth.ApiKey(KEY)) as impatient:
            test_failures_are_told_in_words(
                impatient,
                server,
                "/silent",
                ServiceError,
                "did not answer in time|cannot be reached",
            )
    finally:
        server.over.set()


def test_without_a_key_the_error_tells_how_to_get_one(server: Any) -> None:
    with Client(config.load(portal=server.url, retries=0)) as anonymous:
        with pytest.raises(AuthenticationError, match=r"needs an API key .*\n.*login\(\)"):
            anonymous.get_json(server.url + "/status/401/who")
        with pytest.raises(ServiceError, match="redirects in a loop"):
            anonymous.get_json(server.url + "/loop")


def test_nobody_there(client: Client, closed_port: int) -> None:
    with pytest.raises(ServiceError, match="cannot be reached"):
        client.get_json(f"http://127.0.0.1:{closed_port}/ok")


def test_an_untrusted_certificate_is_refused(tmp_path: Any) -> None:
    trustme = pytest.importorskip("trustme")
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    with running(_Handler, context, seen=[]) as httpd:
        url = httpd.url
        with (
            Client(config.load(portal=url, retries=0)) as client,
            pytest.raises(ServiceError, match="certificate"),
        ):
            client.get_json(url + "/ok")
        with Client(config.load(portal=url, retries=0)) as client:
            assert client.part(url + "/part", 0, 8) is None
        with (  # no pause before a try that finds the same certificate
            Client(config.load(portal=url, retries=2, backoff=3600)) as client,
            pytest.raises(ServiceError, match="certificate"),
        ):
            client.get_json(url + "/ok")
        with Client(config.load(portal=url, ca_bundle=str(bundle))) as client:
            assert client.get_json(url + "/ok") == {"ok": True}
            assert client.part(url + "/part", 0, 8) is not None


def test_a_file_that_breaks_off_is_an_error(client: Client, server: Any) -> None:
    with (
        pytest.raises(ServiceError, match="broke off"),
        client.stream(server.url + "/cut") as response,
    ):
        list(response.iter_content(4))


def test_a_message_in_place_of_a_file_is_raised(client: Client, server: Any) -> None:
    with (
        pytest.raises(RequestError, match="a message instead of the file"),
        client.stream(server.url + "/ok"),
    ):
        pass


def test_a_file_that_is_json_is_a_file(client: Client, server: Any) -> None:
    with client.stream(server.url + "/ok", json=True) as response:
        assert json.loads(response.raw.read()) == {"ok": True}


def test_ranges_are_found_out(client: Client, server: Any) -> None:
    assert client.probe(server.url + "/range").size == 1234
    assert client.probe(server.url + "/range").etag == '"v1"'
    assert client.probe(server.url + "/range").ranges
    whole = client.probe(server.url + "/whole")
    assert (whole.size, whole.ranges) == (4, False)
    with pytest.raises(ServiceError, match="answered 500"):  # down for all requests, not for ranges
        client.probe(server.url + "/status/500/ranges")


def test_the_parallel_map_keeps_order_and_its_bound(client: Client) -> None:
    running, peak, lock, met = 0, 0, threading.Lock(), threading.Barrier(2)

    def work(value: int) -> int:
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
        if value < 2:
            met.wait(minutes(1))
        threading.Event().wait(0.01)  # patience: so long that many run at once
        with lock:
            running -= 1
        return value * value

    assert list(client.map(work, range(40))) == [n * n for n in range(40)]
    assert 1 < peak <= MOST_PAGES < client.config.max_requests


def test_parts_come_by_the_short_way(client: Client, server: Any) -> None:
    for begin in (0, 50):
        part = client.part(server.url + "/part", begin, begin + 8)
        assert part == (bytes(range(begin, begin + 8)), 200, '"v1"')
    asked = [headers for _, headers in server.seen]
    assert [one["Range"] for one in asked] == ["bytes=0-7", "bytes=50-57"]
    assert {one["X-API-Key"] for one in asked} == {KEY}
    assert {one["User-Agent"] for one in asked} == {"geodes-datalab"}


@pytest.mark.parametrize(
    "answer", ["whole", "status/403/x", "status/404/x", "status/503/x", "to/part", "packed"]
)
def test_what_is_not_the_part_is_no_answer_and_tried_once(
    client: Client, server: Any, answer: str
) -> None:
    """Whoever asked asks again in the careful way; for a minute everyone does."""
    assert client.part(f"{server.url}/{answer}", 0, 8) is None
    assert client.part(server.url + "/part", 0, 8) is None
    assert len(server.seen) == 1


@pytest.mark.parametrize(("answer", "came"), [("torn", b"half"), ("range", b"P")])
def test_what_came_of_a_part_is_kept(client: Client, server: Any, answer: str, came: bytes) -> None:
    """Who asked asks for the rest, and the short way stays open."""
    for _ in range(2):
        part = client.part(f"{server.url}/{answer}", 0, 8)
        assert part is not None
        assert part.data == came


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ({}, None),
        ({"ETag": '"a"'}, '"a"'),
        ({"ETag": '"a"', "Last-Modified": "Mon"}, '"a"'),
        ({"ETag": 'W/"a"', "Last-Modified": "Mon"}, 'W/"a" Mon'),
        ({"ETag": 'W/"a"'}, 'W/"a"'),
        ({"Last-Modified": "Mon"}, "Mon"),
    ],
)
def test_what_tells_one_version_from_another(told: dict[str, str], version: str | None) -> None:
    assert _http.version(told) == version


@pytest.mark.parametrize(
    ("told", "length"),
    [
        ("bytes 10-19/100", 10), ("bytes 10-14/100", 5), ("bytes 10-29/100", 10), ("bytes 10-19/*", 10),
        ("bytes 9-19/100", 0), ("bytes 10-9/100", 0), ("bytes 10-19/15", 0), ("", 0), ("lines 10-19/100", 0),
    ],
)  # fmt: skip
def test_a_part_is_believed_only_in_its_place(told: str, length: int) -> None:
    assert _http.is_part(206, {"Content-Range": told}, 10, 20)[0] == length
    assert _http.is_part(200, {"Content-Range": told}, 10, 20) == (0, None)


def test_signatures_of_addresses_are_not_logged(
    client: Client, server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="geodes_datalab")
    assert client.part(server.url + "/part/a?signature=s1gned", 0, 8) is not None
    assert client.get_json(server.url + "/ok/a?signature=s1gned") == {"ok": True}
    assert "/part/a -> 206" in caplog.text
    assert "/ok/a -> 200" in caplog.text
    assert "s1gned" not in caplog.text


def test_the_short_way_opens_again(
    client: Client, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PAUSE", 0.0)
    assert client.part(server.url + "/whole", 0, 8) is None
    assert client.part(server.url + "/part", 0, 8) is not None


def test_the_key_goes_to_the_portal_only_by_the_short_way(server: Any) -> None:
    server.seen.clear()
    elsewhere = config.load(portal="https://geodes.invalid")
    with Client(elsewhere, auth.ApiKey(KEY)) as client:
        assert client.part(server.url + "/part", 0, 8) is not None
    assert "X-API-Key" not in server.seen[0][1]


def test_proxies_are_met_in_the_careful_way(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server.seen.clear()
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with Client(config.load(retries=0)) as client:
        assert client.part("http://elsewhere.invalid/part", 0, 8) is None
    assert server.seen == []


def test_nobody_there_is_no_answer_either(client: Client) -> None:
    assert client.part("http://127.0.0.1:9/part", 0, 8) is None


PASSWORDS = {
    "escaped": ("s%2Fc%23r%40t", "s/c#r@t"),
    "written-out": ("s/c#r@t?[x", "s/c#r@t?[x"),
    "percent": ("50%", "50%"),
    "accent": ("gel%C3%A9", "gelé"),
    "beyond-latin": ("%E2%82%AC5", "€5"),
}


@pytest.mark.parametrize("which", PASSWORDS)
@pytest.mark.parametrize("scheme", ["http://", ""], ids=["scheme", "no-scheme"])
def test_a_proxys_password_arrives_as_it_is(
    monkeypatch: pytest.MonkeyPatch, which: str, scheme: str
) -> None:
    written, meant = PASSWORDS[which]
    with WebProxy(credentials="ada:another") as proxy:
        monkeypatch.setenv("https_proxy", f"{scheme}ada:{written}@127.0.0.1:{proxy.port}")
        told = refused()
        assert [one.credentials for one in proxy.asked] == [f"ada:{meant}"]
    assert "the web proxy: it answered 407 Proxy Authentication Required" in str(told)
    assert "HTTPS_PROXY" in str(told)
    assert not any(text in repr(told) + str(told) for text in (written, meant))


def refused() -> ServiceError:
    with Client(config.load(portal="https://geodes.invalid", retries=0)) as client:
        with pytest.raises(ServiceError) as told:
            client.get_json("https://geodes.invalid/api")
        return told.value


@pytest.mark.parametrize(
    "address",
    ["http://ada:s3cr3t@:3128", "http://ada:s3cr3t@127.0.0.1:9", "socks5h://ada:s3cr3t@x:1"],
)
def test_a_proxy_that_cannot_help_is_what_the_error_names(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    told = refused()
    assert "proxy" in told.message
    assert "GEODES_PORTAL" not in str(told)
    assert "s3cr3t" not in str(told)


@pytest.mark.parametrize(
    "exempt", ["*.geodes.example", "x localhost  geodes.example", "*", " .geodes.example , y"]
)
def test_what_is_exempt_is_asked_directly_however_it_is_written(
    server: Any, monkeypatch: pytest.MonkeyPatch, exempt: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", exempt)
    monkeypatch.delenv("no_proxy", raising=False)
    with Client(config.load(retries=0)) as client:
        chosen = client.session.merge_environment_settings(
            "http://stac.geodes.example/", {}, None, None, None
        )
    assert not chosen["proxies"]
    assert _proxies.proxy_for("http://stac.geodes.example/") is None
    assert _proxies.proxy_for("http://elsewhere.example/") == (
        None if exempt == "*" else "http://127.0.0.1:9"
    )


def test_brackets_of_addresses_are_no_part_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "[::1]")
    assert _proxies.proxy_for("http://[::1]:8000/") is None


@pytest.mark.parametrize("password", ["pa/ss", "p#ss", "p?ss", "p@ss", "p[ss", "p ss", "p%zz"])
def test_no_part_of_a_password_is_shown(password: str) -> None:
    for scheme in ("http://", "", "socks5h://"):
        address = f"{scheme}ada:{password}@proxy.invalid:3128/"
        assert _proxies.shown(address) == f"{scheme or 'http://'}proxy.invalid:3128"
        assert not {"ada", "pa", "ss", "zz"} & set(
            (_proxies.trouble(address, 1) or "").replace(":", " ").replace("/", " ").split()
        )
