from __future__ import annotations

import contextlib
import gc
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from select import select

import pytest
import requests
from support.waiting import eventually, minutes

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.standin import Catalogue, Settings, StandIn, serve


def test_the_log_tells_what_came_but_no_secret(geodes: StandIn) -> None:
    requests.post(
        f"{geodes.stac_url}/search",
        json={"limit": 1},
        headers={"X-API-Key": geodes.api_key, "Authorization": "Bearer secret"},
        timeout=minutes(2),
    )
    (entry,) = geodes.requests
    assert (entry.method, entry.path, entry.status) == ("POST", "/api/stac/search", 200)
    assert (entry.key, entry.body) == ("valid", {"limit": 1})
    assert entry.headers["x-api-key"] == entry.headers["authorization"] == "<present>"
    for text in (repr(geodes), repr(geodes.requests), repr(entry), repr(geodes.portal.accounts)):
        assert geodes.api_key not in text
        assert "Bearer" not in text


def test_every_page_says_that_it_is_not_geodes(geodes: StandIn) -> None:
    page = requests.get(geodes.url, timeout=minutes(2))
    assert page.headers["Content-Type"].startswith("text/html")
    assert "It is not GEODES" in page.text
    for product in geodes.portal.catalogue.products:
        assert product.identifier in page.text
    for address in re.findall(r'<img src="\.([^"]+)"', page.text)[:3]:
        assert requests.get(geodes.url + address, timeout=minutes(2)).status_code == 200
    root = requests.get(geodes.stac_url, timeout=minutes(2)).json()
    assert "not GEODES" in root["title"]
    assert "not GEODES" in root["description"]
    assert "type" not in root  # as the real landing page
    conformance = requests.get(f"{geodes.stac_url}/conformance", timeout=minutes(2)).json()
    assert conformance["conformsTo"] == root["conformsTo"]
    assert not any("sort" in one or "query" in one for one in root["conformsTo"])


@pytest.mark.parametrize("forwarded", [True, False])
def test_links_bear_the_address_that_the_client_used(geodes: StandIn, forwarded: bool) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "geodes.example"}
    reply = requests.post(
        f"{geodes.stac_url}/search", json={"limit": 80},
        headers=headers if forwarded else {}, timeout=minutes(2),
    )  # fmt: skip
    expected = "https://geodes.example" if forwarded else geodes.url
    hrefs = re.findall(r'"href":\s*"([^"]+)"', reply.text)
    own = [href for href in hrefs if "spdx.org" not in href]
    assert own
    assert all(href.startswith(expected) for href in own)


def test_a_public_address_can_be_given(geodes_factory: Callable[..., StandIn]) -> None:
    portal = geodes_factory(settings=Settings(public_url="https://hub.example/services/geodes/"))
    (link,) = [
        link["href"]
        for link in requests.get(portal.stac_url, timeout=minutes(2)).json()["links"]
        if link["rel"] == "data"
    ]
    assert link == "https://hub.example/services/geodes/api/stac/collections"


def test_bulk_catalogues_add_up(
    geodes_factory: Callable[..., StandIn], samples_catalogue: Catalogue
) -> None:
    portal = geodes_factory(samples_catalogue + Catalogue.bulk(300))
    body = {"collections": ["PEPS_S2_L1C"], "limit": 80, "page": 4, "sortBy": [{"field": "id"}]}
    found = requests.post(f"{portal.stac_url}/search", json=body, timeout=minutes(2)).json()
    assert found["context"] == {"returned": 69, "limit": 80, "matched": 309}


def test_a_taken_port_is_told(geodes: StandIn, samples_catalogue: Catalogue) -> None:
    port = int(geodes.url.rsplit(":", 1)[-1])
    with (
        pytest.raises(ConfigurationError, match="choose another port"),
        serve(samples_catalogue, port=port),
    ):
        pass


@pytest.fixture
def command(samples_cache: Path, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "geodes_datalab.standin", "--port", "0",
                "--cache", str(samples_cache), "--api-key-file", str(tmp_path / "key"), *arguments,
            ],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_command_line_serves_and_stops_cleanly(
    command: Callable[..., subprocess.Popen[str]], tmp_path: Path, stop: signal.Signals
) -> None:
    process = command("--bulk", "100", "--profile", "fixed")
    assert process.stdout is not None
    assert select([process.stdout], [], [], minutes(2))[0]
    ready = process.stdout.readline()
    (url,) = re.findall(r"http://127\.0\.0\.1:\d+", ready)
    key = (tmp_path / "key").read_text().strip()
    assert key not in ready
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    quota = requests.get(
        f"{url}/processing/download/get", headers={"X-API-Key": key}, timeout=minutes(2)
    ).json()
    assert quota["maxQuota"] > 0
    body = {"collections": ["PEPS_S2_L1C"]}
    found = requests.post(f"{url}/api/stac/search", json=body, timeout=minutes(2)).json()
    assert found["context"]["matched"] == 109
    process.send_signal(stop)
    out, err = process.communicate(timeout=minutes(5))
    assert (process.returncode, out, err) == (0, "", "")


def test_the_command_line_tells_a_taken_port(
    command: Callable[..., subprocess.Popen[str]], geodes: StandIn
) -> None:
    process = command("--port", geodes.url.rsplit(":", 1)[-1])
    _, err = process.communicate(timeout=minutes(5))
    assert process.returncode == 1
    assert "choose another port" in err
    assert "Traceback" not in err


def test_nothing_is_made_at_import() -> None:
    code = (
        "import sys, geodes_datalab.standin.app;"
        "print([m for m in ('rasterio', 'numpy', 'shapely') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "['numpy']", done.stderr


def test_clients_that_come_at_the_end_keep_nothing_open() -> None:
    catalogue, clients = Catalogue.bulk(1), []

    def knock(port: int) -> None:
        with contextlib.suppress(OSError):  # the end of the server
            while len(clients) < 400:
                clients.append(socket.create_connection(("127.0.0.1", port)))
                clients[-1].sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                time.sleep(0.0005)  # patience: they come one after the other

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for _ in range(4):
            with serve(catalogue) as portal:
                port = int(portal.url.rpartition(":")[2])
                guests = [threading.Thread(target=knock, args=(port,)) for _ in range(4)]
                for guest in guests:
                    guest.start()
                eventually(lambda: len(clients) >= 20, "clients come")
            for guest in guests:
                guest.join()
            for client in clients:
                client.close()
            clients.clear()
        gc.collect()
    assert not [w for w in seen if issubclass(w.category, ResourceWarning)]
