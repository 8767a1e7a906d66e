"""The chart's two jobs, against a small API server with real TLS and a memory of its objects."""

from __future__ import annotations

import base64
import json
import re
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from geodes_datalab.errors import ConfigurationError, ServiceError
from geodes_datalab.hub.jobs import images as images_job
from geodes_datalab.hub.jobs import secrets as secrets_job
from geodes_datalab.hub.jobs.in_cluster import Api

SECRETS = "/api/v1/namespaces/datalab/secrets"
DAEMONSET = "/apis/apps/v1/namespaces/datalab/daemonsets/puller"


class _Handler(BaseHTTPRequestHandler):
    server: Any

    def log_message(self, *_: Any) -> None:
        """Stay silent."""

    def _answer(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _refused(self) -> bool:
        if self.headers["Authorization"] == "Bearer the-token" and not self.server.forbidden:
            return False
        self._answer(403, {"message": "secrets is forbidden"})
        return True

    def do_POST(self) -> None:
        body = self._body()
        if self._refused():
            return
        path = f"{self.path}/{body['metadata']['name']}"
        if path in self.server.objects:
            self._answer(409, {"message": "already exists"})
        else:
            self.server.objects[path] = body
            self._answer(201, body)

    def do_GET(self) -> None:
        if self._refused():
            return
        found = self.server.objects.get(self.path)
        if isinstance(found, list):  # what is seen, look by look
            found = found.pop(0) if len(found) > 1 else found[0]
        self._answer(200 if found else 404, found or {"message": "not found"})

    def do_PATCH(self) -> None:
        body = self._body()
        assert self.headers["Content-Type"] == "application/merge-patch+json"
        self.server.objects[self.path]["data"].update(body["data"])
        self._answer(200, self.server.objects[self.path])


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    httpd: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    httpd.objects, httpd.forbidden, httpd.folder = {}, False, tmp_path / "account"
    httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True).start()
    httpd.folder.mkdir()
    authority.cert_pem.write_to_path(httpd.folder / "ca.crt")
    (httpd.folder / "token").write_text("the-token\n")
    (httpd.folder / "namespace").write_text("datalab")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT_HTTPS", str(httpd.server_port))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")  # never used for the API server
    yield httpd
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture
def api(server: Any) -> Api:
    return Api.from_pod(server.folder)


def _values(server: Any) -> dict[str, str]:
    data = server.objects[f"{SECRETS}/datalab-secrets"]["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


KEYS = {"proxy.token": "hex", "auth.password": "password", "auth.admin-password": "admin-password"}


def test_a_secret_is_made_once(server: Any, api: Api) -> None:
    told = secrets_job.ensure(api, "datalab-secrets", KEYS, labels={"app": "datalab"})
    first = _values(server)
    assert re.fullmatch(r"[0-9a-f]{64}", first["proxy.token"])
    assert len(first["auth.password"]) >= 8
    assert len(first["auth.admin-password"]) >= 32
    assert server.objects[f"{SECRETS}/datalab-secrets"]["metadata"]["labels"] == {"app": "datalab"}
    assert not any(value in told for value in first.values())
    assert "nothing changed" in secrets_job.ensure(api, "datalab-secrets", KEYS, labels={})
    assert _values(server) == first


def test_missing_keys_are_added_and_others_kept(server: Any, api: Api) -> None:
    secrets_job.ensure(api, "datalab-secrets", {"proxy.token": "hex"}, labels={})
    before = _values(server)
    told = secrets_job.ensure(api, "datalab-secrets", KEYS, labels={})
    assert "added auth.admin-password, auth.password" in told
    assert _values(server)["proxy.token"] == before["proxy.token"]
    assert _values(server).keys() == KEYS.keys()


def test_two_secrets_have_nothing_in_common(server: Any, api: Api) -> None:
    for name in ("a", "b"):
        secrets_job.ensure(api, name, KEYS, labels={})
    one, two = (server.objects[f"{SECRETS}/{name}"]["data"] for name in ("a", "b"))
    assert not set(one.values()) & set(two.values())


def test_a_refusal_says_what_to_do(server: Any, api: Api) -> None:
    server.forbidden = True
    with pytest.raises(ServiceError, match=r"forbidden[\s\S]*existingSecret"):
        secrets_job.ensure(api, "datalab-secrets", KEYS, labels={})


def test_another_authority_is_not_trusted(server: Any, api: Api) -> None:
    trustme = pytest.importorskip("trustme")
    trustme.CA().cert_pem.write_to_path(server.folder / "ca.crt")
    with pytest.raises(ServiceError, match="certificate"):
        api.call("GET", SECRETS)


def test_outside_a_pod_nothing_is_tried(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="pod"):
        Api.from_pod(tmp_path)


@pytest.mark.parametrize("wrong", ["proxy.token", "proxy.token=base64", "=hex"])
def test_a_wrong_argument_is_refused(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        secrets_job.main(["datalab-secrets", wrong])
    assert wrong.rpartition("=")[2] in capsys.readouterr().err


def _seen(ready: int, wanted: int, *, generation: int = 2, updated: int | None = None) -> Any:
    return {
        "metadata": {"generation": 2},
        "status": {
            "observedGeneration": generation,
            "desiredNumberScheduled": wanted,
            "updatedNumberScheduled": wanted if updated is None else updated,
            "numberReady": ready,
        },
    }


def test_images_are_waited_for(server: Any, api: Api) -> None:
    looks = [_seen(3, 3, generation=1), _seen(3, 3, updated=1), _seen(1, 3), _seen(3, 3)]
    server.objects[DAEMONSET] = looks
    assert images_job.wait(api, "puller", 30, pause=0.01) == "images are on all 3 nodes"
    assert len(looks) == 1  # each of the first three was looked at, and was not enough


def test_waiting_ends_with_advice(server: Any, api: Api) -> None:
    server.objects[DAEMONSET] = _seen(1, 2)
    with pytest.raises(ServiceError, match=r"1 of 2 nodes[\s\S]*timeoutSeconds"):
        images_job.wait(api, "puller", 0, pause=0.01)
