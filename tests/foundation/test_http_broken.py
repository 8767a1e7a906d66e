"""Answers that break off: never another package's error, and JSON is asked for again."""

from __future__ import annotations

import http.server
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from support.breaking_server import BEFORE, FAULTS, GOOD, IN_THE_BODY, UNSEEN, breaking
from support.running import running
from support.waiting import minutes

from geodes_datalab import _http, auth, config
from geodes_datalab.errors import BrokeOff, GeodesError, RequestError, ServiceError

KEY = "k3y-of-the-tests"

WAYS: dict[str, Callable[[requests.Response], Any]] = {
    "raw.read": lambda response: response.raw.read(decode_content=True),
    "raw.read in pieces": lambda response: [
        response.raw.read(100, decode_content=True) for _ in range(10)
    ],
    "raw.stream": lambda response: list(response.raw.stream(100, decode_content=True)),
    "iter_content": lambda response: list(response.iter_content(100)),
    "content": lambda response: response.content,
}


@pytest.fixture
def server() -> Iterator[Any]:
    with breaking() as running:
        yield running


def client_of(server: Any, fault: str, retries: int = 2) -> _http.Client:
    patience = 0.3 if "stalled" in fault else minutes(1)  # patience: its own
    settings = config.load(portal=server.url, retries=retries, backoff=0.001, timeout=patience)
    return _http.Client(settings, auth.ApiKey(KEY))


def read(server: Any, fault: str, way: Callable[[requests.Response], Any]) -> None:
    """Read an answer that breaks once its headers were read."""
    with (
        client_of(server, fault) as client,
        client.stream(f"{server.url}/{fault}", json=True) as response,
    ):
        server.go.set()
        way(response)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("fault", FAULTS)
def test_json_that_breaks_off_is_asked_for_again(server: Any, fault: str, method: str) -> None:
    server.go.set()
    url = f"{server.url}/{fault}/2"
    with client_of(server, fault) as client:
        found = client.get_json(url) if method == "GET" else client.post_json(url, {})
    assert found == {"ok": "x" * 500}
    assert server.seen[f"/{fault}/2"] == 3


@pytest.mark.parametrize("fault", FAULTS)
def test_json_that_always_breaks_off_is_an_error_of_ours(server: Any, fault: str) -> None:
    server.go.set()
    with client_of(server, fault, retries=1) as client, pytest.raises(ServiceError) as caught:
        client.get_json(f"{server.url}/{fault}")
    assert caught.value.hint
    assert isinstance(caught.value, BrokeOff) or fault in {*BEFORE, "reset"}
    assert server.seen[f"/{fault}"] in {
        2,
        4,
    }  # a reset may be met before the body, and then after it
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert KEY not in "".join(told.format())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", IN_THE_BODY)
def test_a_file_that_breaks_off_is_told_however_it_is_read(
    server: Any, fault: str, way: str
) -> None:
    with pytest.raises(BrokeOff) as caught:
        read(server, fault, WAYS[way])
    assert caught.value.hint
    assert server.seen[f"/{fault}"] == 1
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert KEY not in "".join(told.format())


@pytest.mark.parametrize("fault", ["reset", "cut", "stalled", "bad-chunk", "cut-chunk"])
def test_parts_that_break_off_are_told(server: Any, fault: str) -> None:
    with pytest.raises(BrokeOff):
        read(server, fault, lambda response: _http.body(response, len(GOOD)))


@pytest.mark.parametrize("fault", [*BEFORE, *IN_THE_BODY, *UNSEEN])
def test_the_short_way_gives_no_answer(server: Any, fault: str) -> None:
    server.go.set()
    with client_of(server, fault) as client:
        assert client.part(f"{server.url}/{fault}", 0, 500) is None


def test_errors_of_who_reads_stay_what_they_are(server: Any) -> None:
    def full(_: requests.Response) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        read(server, "cut", full)


@pytest.mark.parametrize(
    "place", ["http://[::1", "http://a..b/", "http://" + "x" * 300 + ".example/", "http://h:99999/", "gopher://x/", "http:///"]
)  # fmt: skip
def test_addresses_that_lead_nowhere_are_told(place: str) -> None:
    class Away(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", place)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with running(Away) as server, _http.Client(config.load(portal=server.url, retries=0)) as client:
        with pytest.raises((RequestError, ServiceError)) as caught:
            client.get_json(server.url + "/")
        assert caught.value.hint
        assert client.part(place, 0, 8) is None
        with pytest.raises(GeodesError):
            client.get_json(place)
