"""What a server means that refuses, or that is down: quota, too many requests, no ranges."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from support.running import running
from support.waiting import minutes

from geodes_datalab import config
from geodes_datalab._http import Client
from geodes_datalab.errors import (
    AuthenticationError,
    QuotaError,
    RateLimited,
    RequestError,
    ServiceError,
)

QUOTA = "Downloading products per hour exceeds quota limit"


class _Handler(BaseHTTPRequestHandler):
    """Answers what it was told for a path: a list of (status, words, headers), the last one for ever."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server: Any = self.server
        ranged = "Range" in self.headers
        server.seen.append((self.path, ranged))
        answers = server.answers[self.path + (" ranged" if ranged else "")]
        status, words, headers = answers.pop(0) if len(answers) > 1 else answers[0]
        body = words if isinstance(words, bytes) else json.dumps({"message": words}).encode()
        kind = "application/zip" if isinstance(words, bytes) else "application/json"
        self.send_response(status)
        told = {"Content-Type": kind, "Content-Length": str(len(body)), **headers}
        for name, value in told.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Any]:
    with running(_Handler, seen=[], answers={}) as httpd:
        yield httpd


@pytest.fixture
def client(server: Any) -> Iterator[Client]:
    """The server is the portal."""
    yield from opened(server.url)


@pytest.fixture
def stranger(server: Any) -> Iterator[Client]:
    """The server is somebody else's."""
    yield from opened("https://geodes.invalid")


def opened(portal: str) -> Iterator[Client]:
    settings = config.load(portal=portal, retries=2, backoff=0.001, timeout=minutes(1))
    with Client(settings) as made:
        yield made


@pytest.mark.parametrize("status", [403, 429])
def test_the_portals_own_words_on_the_quota_are_the_quota(
    client: Client, server: Any, status: int
) -> None:
    server.answers["/a"] = [(status, QUOTA, {"Retry-After": "900"})]
    with pytest.raises(QuotaError, match=r"used up .*exceeds quota limit"):
        client.get_json(server.url + "/a")
    assert len(server.seen) == 1


def test_a_server_that_takes_fewer_requests_has_no_quota(client: Client, server: Any) -> None:
    server.answers["/a"] = [(429, "Too many requests", {"Retry-After": "900"})]
    with pytest.raises(RateLimited, match="too many requests at a time") as caught:
        client.get_json(server.url + "/a")
    assert not isinstance(caught.value, QuotaError)
    assert caught.value.status == 429
    assert "wait 900 seconds" in str(caught.value)
    assert "GEODES_MAX_REQUESTS lower: it is 16" in str(caught.value)
    assert len(server.seen) == 1  # so long a pause is an answer


def test_too_many_requests_are_tried_again(client: Client, server: Any) -> None:
    limited = (429, "Too many requests", {"Retry-After": "0"})
    server.answers["/a"] = [limited, limited, (200, "yes", {})]
    assert client.get_json(server.url + "/a") == {"message": "yes"}
    server.answers["/b"] = [(429, "slow down", {})]
    with pytest.raises(RateLimited, match="slow down"):
        client.get_json(server.url + "/b")
    assert sum(path == "/b" for path, _ in server.seen) == 3


@pytest.mark.parametrize(
    ("status", "error"),
    [(403, RequestError), (429, RateLimited), (401, AuthenticationError)],
)
def test_other_servers_quotas_are_not_the_portals(
    stranger: Client, server: Any, status: int, error: type
) -> None:
    server.answers["/a"] = [(status, "the quota of your project is used up", {"Retry-After": "99"})]
    with pytest.raises(error) as caught:
        stranger.get_json(server.url + "/a")
    assert not isinstance(caught.value, QuotaError)
    assert "the quota of your project" in str(caught.value)


def test_another_servers_message_in_place_of_a_file_is_no_quota(
    stranger: Client, client: Client, server: Any
) -> None:
    server.answers["/a"] = [(200, QUOTA, {})]
    with pytest.raises(RequestError, match="a message instead"), stranger.stream(server.url + "/a"):
        pass
    with pytest.raises(QuotaError), client.stream(server.url + "/a"):
        pass


def test_a_server_that_breaks_on_ranges_alone_has_none(client: Client, server: Any) -> None:
    server.answers["/a"] = [(200, b"PK34", {"ETag": '"v1"'})]
    server.answers["/a ranged"] = [(500, "ranges", {})]
    found = client.probe(server.url + "/a")
    assert (found.ranges, found.size, found.etag) == (False, 4, '"v1"')


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_that_is_down_is_not_one_without_ranges(
    client: Client, server: Any, status: int
) -> None:
    for path in ("/a", "/a ranged"):
        server.answers[path] = [(status, "down", {})]
    with pytest.raises(ServiceError, match=f"answered {status}"):
        client.probe(server.url + "/a")


def test_a_server_that_limits_or_refuses_is_not_one_without_ranges(
    client: Client, server: Any
) -> None:
    server.answers["/a ranged"] = [(429, "Too many requests", {})]
    with pytest.raises(RateLimited):
        client.probe(server.url + "/a")
    server.answers["/b ranged"] = [(404, "gone", {})]
    with pytest.raises(RequestError):
        client.probe(server.url + "/b")
    assert all(ranged for _, ranged in server.seen)


def test_a_server_that_is_not_there_is_down(client: Client, closed_port: int) -> None:
    with pytest.raises(ServiceError, match="cannot be reached"):
        client.probe(f"http://127.0.0.1:{closed_port}/a")
