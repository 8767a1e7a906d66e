"""A real configurable-http-proxy, replaced under a hub that has servers running."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from support.proxy import HubStandIn, PublicProxy
from support.waiting import aeventually

from geodes_datalab.hub.proxy import WatchedProxy


@pytest.fixture
def chp(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PublicProxy]:
    monkeypatch.setenv("GEODES_CACHE_DIR", str(shared_cache))  # installed once per machine
    with PublicProxy() as running:
        yield running


def watched(chp: PublicProxy, hub: HubStandIn) -> WatchedProxy:
    return WatchedProxy(
        app=hub, hub=hub.hub, api_url=chp.api_url, auth_token=chp.token, watch_seconds=0.1
    )


def run(chp: PublicProxy, hub: HubStandIn, use: Callable[[WatchedProxy], Awaitable[None]]) -> None:
    async def main() -> None:
        proxy = watched(chp, hub)
        await proxy.check_routes(hub.users, hub._service_map)  # as the hub does at its start
        try:
            await use(proxy)
        finally:
            proxy._watcher.cancel()
            await close_client()

    asyncio.run(main())


async def close_client() -> None:
    from jupyterhub.httpclient import JupyterHubHTTPClient

    await JupyterHubHTTPClient.loop_instance().close()


async def routed(proxy: WatchedProxy, count: int) -> None:
    """Wait until there are so many routes."""

    async def there() -> bool:
        return len(await proxy.get_all_routes()) == count

    await aeventually(there, f"{count} routes")


async def looked(proxy: WatchedProxy, times: int) -> None:
    """Wait until the proxy was looked at so often."""
    before = proxy._turn

    async def enough() -> bool:
        return bool(proxy._turn >= before + times)

    await aeventually(enough, f"{times} looks at the proxy")


def test_all_routes_come_back_after_the_proxy_was_replaced(chp: PublicProxy) -> None:
    hub = HubStandIn(20)

    async def use(proxy: WatchedProxy) -> None:
        assert len(await proxy.get_all_routes()) == 21
        chp.replace()
        await routed(proxy, 21)
        routes = await proxy.get_all_routes()
        one = routes["/user/user-7/"]
        assert one["target"] == hub.target(7)
        assert one["data"]["user"] == "user-7"
        assert one["data"]["server_name"] == ""

    run(chp, hub, use)


def test_a_server_that_is_routed_again_does_not_hide_the_others(chp: PublicProxy) -> None:
    """The newest server may have been added to the new proxy before anybody looked."""
    hub = HubStandIn(5)

    async def use(proxy: WatchedProxy) -> None:
        chp.replace()
        last = hub.users[4]
        await proxy.add_user(last)
        await routed(proxy, 6)

    run(chp, hub, use)


def test_one_lost_route_is_found_too(chp: PublicProxy) -> None:
    hub = HubStandIn(5)

    async def use(proxy: WatchedProxy) -> None:
        await proxy.delete_route("/user/user-2/")
        await routed(proxy, 6)

    run(chp, hub, use)


def test_a_stopped_server_gets_no_route(chp: PublicProxy) -> None:
    hub = HubStandIn(5)
    hub.users[3].spawners[""].ready = False

    async def use(proxy: WatchedProxy) -> None:
        chp.replace()
        await routed(proxy, 5)
        assert "/user/user-3/" not in await proxy.get_all_routes()

    run(chp, hub, use)


def test_without_any_server_the_hubs_own_route_is_watched(chp: PublicProxy) -> None:
    hub = HubStandIn(0)

    async def use(proxy: WatchedProxy) -> None:
        chp.replace()
        await routed(proxy, 1)

    run(chp, hub, use)


def test_a_proxy_that_is_away_is_waited_for(chp: PublicProxy) -> None:
    hub = HubStandIn(3)

    async def use(proxy: WatchedProxy) -> None:
        chp.kill()
        await looked(proxy, 5)
        chp.start()
        await routed(proxy, 4)
        assert not proxy._watcher.done()

    run(chp, hub, use)
