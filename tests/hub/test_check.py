"""The check of `helm test`, against servers of this machine."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import trustme
from aiohttp import web
from support.datalab import Datalab
from support.kubernetes_api import Serving
from support.waiting import minutes

from geodes_datalab.errors import ServiceError
from geodes_datalab.hub.check import steps
from geodes_datalab.hub.check.__main__ import main
from geodes_datalab.hub.check.visit import Visit, connect_instead


class Hub(BaseHTTPRequestHandler):
    """What the check asks a hub first."""

    def do_GET(self) -> None:
        body = json.dumps({"version": "6.1.1", "host": self.headers["Host"]}).encode()
        known = self.path in ("/lab/hub/health", "/lab/hub/api/")
        self.send_response(200 if known else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A hub with a certificate of lab.example.org: its port, and the authority."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("lab.example.org").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as http:
        http.socket = context.wrap_socket(http.socket, server_side=True)
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        yield http.server_port, tmp_path / "ca.pem"
        http.shutdown()
        thread.join()


class Kernels(Serving):
    """A kernel that is busy once and then idle, and does not agree when its websocket is closed."""

    def routes(self) -> list[web.RouteDef]:
        """Return what is served."""
        return [web.get("/user/ada/api/kernels/k/channels", self._channels)]

    async def _channels(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoclose=False, autoping=False)
        await socket.prepare(request)
        parent = (await socket.receive_json())["header"]
        idle = {"execution_state": "idle"}
        answer = {"parent_header": parent, "msg_type": "status", "content": idle}
        await socket.send_json(answer)
        await asyncio.Event().wait()
        return socket


def test_no_connection_is_left_of_a_kernel_that_does_not_let_go() -> None:
    with Kernels() as kernels:
        visit = Visit(f"{kernels.address}/", "ada", timeout=minutes(1))
        assert visit.run("k", "pass") == ""
        ours = psutil.Process().net_connections("tcp")
        port = urlsplit(kernels.address).port
        assert not [one for one in ours if one.raddr and one.raddr.port == port]


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "check.token"
    path.write_text("ab" * 32 + "\n")
    return path


def test_the_public_address_is_reached_through_the_service(
    server: tuple[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, authority = server
    monkeypatch.setattr(socket, "getaddrinfo", socket.getaddrinfo)  # put back afterwards
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    connect_instead("lab.example.org", 443, f"127.0.0.1:{port}")
    visit = Visit("https://lab.example.org/lab/", "datalab-check", timeout=minutes(1))
    with visit.session:
        assert steps.healthy(visit) == "JupyterHub 6.1.1"


def test_another_certificate_is_refused(
    server: tuple[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, authority = server
    monkeypatch.setattr(socket, "getaddrinfo", socket.getaddrinfo)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    connect_instead("other.example.org", 443, f"127.0.0.1:{port}")
    visit = Visit(
        "https://other.example.org/lab/", "datalab-check", timeout=1
    )  # patience: one look
    with visit.session, pytest.raises(ServiceError, match="certificate verify failed"):
        steps.healthy(visit)


def test_a_refused_token_is_told_and_not_shown(
    server: tuple[int, Path],
    token: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    port, authority = server
    monkeypatch.setattr(socket, "getaddrinfo", socket.getaddrinfo)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    code = main(
        [
            "--url=https://lab.example.org/lab",
            f"--connect=127.0.0.1:{port}",
            f"--token-file={token}",
        ]
    )
    said = capsys.readouterr()
    assert code == 1
    assert "hub is healthy: ok" in said.out
    assert "FAILED: the hub refused the token of the service check (403)" in said.err
    assert token.read_text().strip() not in said.out + said.err


def test_a_missing_secret_is_told(
    server: tuple[int, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port, authority = server
    monkeypatch.setattr(socket, "getaddrinfo", socket.getaddrinfo)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    arguments = ["--url=https://lab.example.org/lab", f"--connect=127.0.0.1:{port}"]
    assert main([*arguments, "--password-file=/nonexistent"]) == 1
    assert "the secret /nonexistent cannot be read" in capsys.readouterr().err


def test_nobody_listens(token: Path, capsys: pytest.CaptureFixture[str], closed_port: int) -> None:
    url = f"--url=http://127.0.0.1:{closed_port}/"
    assert main([url, f"--token-file={token}", "--timeout=1"]) == 1
    assert "the hub's health page: not within 1 s" in capsys.readouterr().err


@pytest.mark.system
@pytest.mark.timeout(600)
def test_a_whole_datalab_passes(tmp_path: Path) -> None:
    with Datalab.start(tmp_path / "state") as datalab:
        password = tmp_path / "password"
        password.write_text(datalab.password)
        command = [sys.executable, "-m", "geodes_datalab.hub.check", f"--url={datalab.url}"]
        command += [f"--password-file={password}", f"--timeout={minutes(5)}", "--no-catalogue"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        for step in ("log in", "server starts", "Dask cluster computes", "leave"):
            assert f"{step}: ok" in done.stdout
        assert datalab.password not in done.stdout + done.stderr
