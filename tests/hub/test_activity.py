"""Work counts as activity: real user servers, real kernels, a gateway that answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from support.kubernetes_api import Serving
from support.waiting import eventually, minutes, throughout
from user_server import server

from geodes_datalab.hub.steps.singleuser import LAB
from geodes_datalab.server.activity.watch import SOURCE, Watch


class Gateway(Serving):
    """As much of Dask Gateway as is asked."""

    def __init__(self) -> None:
        self.processing = 0
        self.seen: list[str] = []

    def routes(self) -> list[web.RouteDef]:
        base = "/services/dask-gateway"
        return [
            web.get(f"{base}/api/v1/clusters/", self._list),
            web.get(f"{base}/clusters/{{name}}/secret/json/counts.json", self._counts),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        self.seen.append(request.headers["Authorization"])
        assert request.query["status"] == "RUNNING"
        routes = {name: f"/clusters/{name}/secret/status" for name in ("datalab.1", "gone")}
        listed = {name: {"dashboard_route": route} for name, route in routes.items()}
        return web.json_response({**listed, "starting": {"dashboard_route": None}})

    async def _counts(self, request: web.Request) -> web.Response:
        if request.match_info["name"] == "gone":
            return web.Response(status=502)
        return web.json_response({"processing": self.processing, "waiting": 9})


def last(ask: Callable[..., Any]) -> datetime:
    """When the server was last in use; asking does not count."""
    return datetime.fromisoformat(ask("GET", "/api/status?no_track_activity=1")["last_activity"])


def advances(ask: Callable[..., Any]) -> None:
    """See that the server keeps being in use without anybody's message."""
    before = last(ask)
    later = before + timedelta(seconds=1)  # patience: of looks, which come twice a second
    eventually(lambda: last(ask) > later, "the server is in use")


def rests(ask: Callable[..., Any]) -> None:
    """See that the server comes to rest."""

    def quiet() -> bool:
        before = last(ask)
        throughout(lambda: last(ask) == before, "nobody uses it", seconds=2)  # four looks
        return True

    eventually(quiet, "the server comes to rest", within=3)


def test_a_silent_busy_kernel_keeps_its_server_alive(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with server(tmp_path) as ask:
        rests(ask)
        kernel = ask("POST", "/api/kernels", json={"name": "python3"})["id"]
        code = (
            "import time, pathlib\n"
            f"while not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.05)\n"
        )
        run(kernel, code, tmp_path)

        def state() -> str:
            path = f"/api/kernels/{kernel}?no_track_activity=1"
            return str(ask("GET", path)["execution_state"])

        eventually(lambda: state() == "busy", "the kernel is busy")
        advances(ask)
        gate.touch()
        eventually(lambda: state() == "idle", "the kernel is idle")
        rests(ask)


def run(kernel: str, code: str, folder: Path) -> None:
    """Send code to a kernel and do not wait."""
    from jupyter_client import BlockingKernelClient

    (connection,) = folder.rglob(f"kernel-{kernel}.json")
    client = BlockingKernelClient()
    client.load_connection_file(str(connection))
    client.start_channels(
        hb=False
    )  # on a busy machine a kernel misses a beat, and would count as dead
    client.wait_for_ready(timeout=minutes(2))
    client.execute(code)
    client.stop_channels()


@pytest.mark.parametrize("centre", [False, True], ids=["datalab", "centre"])
def test_a_computing_cluster_keeps_its_owners_server_alive(
    tmp_path: Path, centre: bool, closed_port: int
) -> None:
    """On the datalab's gateway; on an HPC centre's, while the datalab's own does not answer."""
    gone = {"DASK_GATEWAY__ADDRESS": f"http://127.0.0.1:{closed_port}/gone"}
    away = gone if centre else {}
    with Gateway() as gateway:
        name = "DASK_GATEWAY_HPDA__ADDRESS" if away else "DASK_GATEWAY__ADDRESS"
        environment = {
            **away,
            name: f"{gateway.address}/services/dask-gateway",
            "JUPYTERHUB_API_TOKEN": "of-the-server",
            "GEODES_DATALAB_CULL_MINUTES": "0.1",
        }
        with server(tmp_path, **environment) as ask:
            rests(ask)
            gateway.processing = 4
            advances(ask)
            gateway.processing = 0
            rests(ask)
        assert set(gateway.seen) == {"jupyterhub of-the-server"}


def test_a_gateway_that_does_not_answer_is_no_reason_to_fail(
    tmp_path: Path, closed_port: int
) -> None:
    environment = {
        "DASK_GATEWAY__ADDRESS": f"http://127.0.0.1:{closed_port}/services/dask-gateway",
        "JUPYTERHUB_API_TOKEN": "x",
    }
    with server(tmp_path, **environment) as ask:
        rests(ask)
        extensions = json.loads((LAB / "jupyter_server_config.d/geodes_datalab.json").read_text())
        assert extensions["ServerApp"]["jpserver_extensions"]["geodes_datalab.server.activity"]


class Application:
    """What the watch sees of Jupyter Server."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.web_app = SimpleNamespace(settings={"last_activity_times": {}})
        self.kernel_manager = self
        self.log = SimpleNamespace(debug=lambda *_, **__: None)

    def list_kernels(self) -> list[dict[str, str]]:
        return [{"id": name, "execution_state": state} for name, state in self.states.items()]


def noted(app: Application) -> Any:
    return app.web_app.settings["last_activity_times"].get(SOURCE)


@pytest.mark.parametrize(("hours", "counts"), [("24", True), ("0", True), ("1e-9", False)])
def test_what_never_ends_stops_counting(hours: str, counts: bool) -> None:
    app = Application()
    app.states = {"a": "busy"}
    watch = Watch(app, {"GEODES_DATALAB_BUSY_HOURS": hours})
    asyncio.run(watch.look())
    first = noted(app)
    asyncio.run(watch.look())
    assert (noted(app) is not None and noted(app) > first) is counts


def test_a_new_computation_counts_anew() -> None:
    app = Application()
    watch = Watch(app, {"GEODES_DATALAB_BUSY_HOURS": "1e-9"})
    for state, seen in (("busy", True), ("busy", False), ("idle", False), ("busy", True)):
        app.web_app.settings["last_activity_times"].clear()
        app.states = {"a": state}
        asyncio.run(watch.look())
        assert (noted(app) is not None) is seen, state


def test_the_pace_follows_the_hubs(tmp_path: Path) -> None:
    assert Watch(Application(), {}).seconds == 30
    assert Watch(Application(), {"JUPYTERHUB_ACTIVITY_INTERVAL": "10"}).seconds == 5
    assert Watch(Application(), {"JUPYTERHUB_ACTIVITY_INTERVAL": "no"}).seconds == 30
