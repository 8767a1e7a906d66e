from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from dask_gateway_server.models import User
from support.waiting import minutes

from geodes_datalab.hub import load, pids
from geodes_datalab.hub.gateway.authenticator import EXPIRED, UNREACHABLE, HubAuthenticator
from geodes_datalab.hub.gateway.local import LocalBackend
from geodes_datalab.hub.gateway.options import cluster_options
from geodes_datalab.hub.spawn.clusters import ClusterStopper

ALICE = User("alice")
SCOPE = "access:services!service=dask-gateway"


def chosen(**request: Any) -> dict[str, Any]:
    settings = load({"gateway": {"environment": {"GEODES_PORTAL": "http://x"}}})
    options = cluster_options(settings)
    found: dict[str, Any] = options.get_configuration(options.parse_options(request), ALICE)
    return found


def test_defaults_and_the_operators_environment() -> None:
    found = chosen()
    assert found["worker_cores"] == 1
    assert found["worker_memory"] == 2**30
    assert found["environment"]["GEODES_PORTAL"] == "http://x"


def test_users_set_harmless_variables_and_never_the_operators() -> None:
    found = chosen(environment={"GDAL_CACHEMAX": "64", "DASK_DISTRIBUTED__WORKER__PRELOAD": "[]"})
    assert found["environment"]["GDAL_CACHEMAX"] == "64"
    assert "geodes_datalab.compute.tls" in found["environment"]["DASK_DISTRIBUTED__WORKER__PRELOAD"]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"worker_memory": 99}, "worker_memory"),
        ({"worker_cores": 0}, "worker_cores"),
        ({"environment": {"LD_PRELOAD": "x"}}, "may not be set"),
        ({"environment": {"GEODES_PORTAL": "http://evil"}}, "may not be set"),
        ({"environment": {"GDAL_HTTP_TOKEN": "x"}}, "looks like a secret"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_what_is_refused(request_: dict[str, Any], said: str) -> None:
    with pytest.raises((ValueError, TypeError), match=said):
        chosen(**request_)


async def served(routes: list[web.RouteDef], use: Callable[[str], Awaitable[Any]]) -> Any:
    """Serve routes on a free port while using them."""
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        return await use(site.name)
    finally:
        await runner.cleanup()


def ask_gateway(
    hub: Callable[[web.Request], Awaitable[web.Response]] | int,
) -> tuple[int, str]:
    """Return status and reason of a gateway whose hub answers as given (a port: no hub at all)."""

    async def main() -> tuple[int, str]:
        if isinstance(hub, int):
            return await gateway(f"http://127.0.0.1:{hub}")
        answer: tuple[int, str] = await served([web.get("/hub/api/user", hub)], gateway)
        return answer

    async def gateway(address: str) -> tuple[int, str]:
        auth = HubAuthenticator(
            jupyterhub_api_url=f"{address}/hub/api",
            jupyterhub_api_token="t",
            jupyterhub_service_name="dask-gateway",
        )

        async def page(request: web.Request) -> web.Response:
            try:  # as upstream's own wrapper does
                user = await auth.authenticate(request)
            except web.HTTPException as error:
                return web.json_response({"error": error.reason}, status=error.status)
            return web.json_response({"name": user.name})

        app = web.Application()
        app.add_routes([web.get("/", page)])
        await auth.setup(app)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            headers = {"Authorization": "jupyterhub token-of-alice"}
            async with (
                aiohttp.ClientSession(headers=headers) as session,
                session.get(site.name) as response,
            ):
                return response.status, (await response.json()).get("error", "")
        finally:
            await auth.cleanup()
            await runner.cleanup()

    return asyncio.run(main())


def hub_says(status: int, scopes: tuple[str, ...] = ()) -> Any:
    async def answer(request: web.Request) -> web.Response:
        model = {"name": "alice", "kind": "user", "scopes": list(scopes)}
        return web.json_response(model, status=status)

    return answer


def test_a_scoped_token_is_let_in() -> None:
    assert ask_gateway(hub_says(200, (SCOPE,)))[0] == 200


def test_a_token_without_the_scope_is_not() -> None:
    assert ask_gateway(hub_says(200, ("self",)))[0] == 401


def test_a_token_that_the_hub_refuses_is_told_with_advice() -> None:
    assert ask_gateway(hub_says(403)) == (401, EXPIRED)


def test_a_hub_in_trouble_is_no_fault_of_the_token(closed_port: int) -> None:
    assert ask_gateway(hub_says(500)) == (503, UNREACHABLE)
    assert ask_gateway(closed_port) == (503, UNREACHABLE)


def test_stopping_never_hits_a_stranger() -> None:
    """A number from the database may belong to another process by now."""
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
    )
    try:
        backend = LocalBackend(gateway_address="127.0.0.1:0")
        asyncio.run(backend._stop({"pid": process.pid, "started": "another-boot/1"}))
        assert process.poll() is None
        mark = pids.started(process.pid)
        asyncio.run(backend._stop({"pid": process.pid, "started": mark}))
        assert process.wait(timeout=minutes(1)) != 0
    finally:
        process.kill()
        process.wait()


def test_clusters_of_a_stopped_server_are_stopped_with_a_token_for_that_only() -> None:
    seen: list[tuple[str, str, str | None]] = []

    async def clusters(request: web.Request) -> web.Response:
        seen.append((request.method, request.path, request.headers.get("Authorization")))
        return web.json_response({"one": {}, "two": {}})

    made: list[dict[str, Any]] = []

    def new_api_token(**options: Any) -> str:
        made.append(options)
        return "short-lived"

    log = SimpleNamespace(info=lambda *_: None, warning=lambda *a: pytest.fail(str(a)))
    user = SimpleNamespace(name="alice", spawners={}, new_api_token=new_api_token)
    spawner = SimpleNamespace(user=user, log=log)
    path = "/services/dask-gateway/api/v1/clusters/"
    routes = [web.get(path, clusters), web.delete(path + "{name}", clusters)]

    async def use(address: str) -> None:
        await ClusterStopper(address, "dask-gateway")(spawner)

    asyncio.run(served(routes, use))
    assert [(method, where.removeprefix(path)) for method, where, _ in seen] == [
        ("GET", ""),
        ("DELETE", "one"),
        ("DELETE", "two"),
    ]
    assert {header for _, _, header in seen} == {"jupyterhub short-lived"}
    assert made[0]["scopes"] == [SCOPE]
    assert made[0]["expires_in"] <= 60


def test_another_server_of_the_same_user_keeps_the_clusters() -> None:
    user = SimpleNamespace(name="alice", spawners={"other": SimpleNamespace(active=True)})
    spawner = SimpleNamespace(user=user)
    asyncio.run(ClusterStopper("http://127.0.0.1:9", "dask-gateway")(spawner))  # asks nobody
