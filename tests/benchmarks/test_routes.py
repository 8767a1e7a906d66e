"""5,000 user routes after the public proxy was replaced: watched, and left to JupyterHub alone.

``make bench`` prints the seconds from the new proxy's first answer until every route is there again,
and what looking for lost routes costs while all is well. JupyterHub's own check takes as long once it
runs, but it runs once per ``last_activity_interval``, 300 s by default: half of it passes on average.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.httpclient import JupyterHubHTTPClient
from jupyterhub.proxy import ConfigurableHTTPProxy
from support.proxy import HubStandIn, PublicProxy
from support.waiting import minutes

from geodes_datalab.hub.proxy import WatchedProxy

COUNT = 5000
LOOKS = 200
INTERVAL = 300
"""``JupyterHub.last_activity_interval``, by default."""


@pytest.fixture
def chp(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PublicProxy]:
    monkeypatch.setenv("GEODES_CACHE_DIR", str(shared_cache))
    logging.getLogger("traitlets").setLevel(logging.ERROR)  # a line per route, else
    with PublicProxy() as running:
        yield running


@pytest.mark.benchmark
def test_routes_come_back(chp: PublicProxy, capsys: pytest.CaptureFixture[str]) -> None:
    hub = HubStandIn(COUNT)
    theirs = asyncio.run(upstream(chp, hub))
    chp.replace()
    ours, look, processor = asyncio.run(watched(chp, hub))
    with capsys.disabled():
        print(f"\n{COUNT} user routes on a new configurable-http-proxy")
        print(f"  JupyterHub's check: {theirs:5.1f} s, after {INTERVAL / 2:.0f} s on average")
        print(f"  WatchedProxy:       {ours:5.1f} s, its first look included")
        print(
            f"  a look, all well:   {look * 1e3:5.1f} ms, {processor * 1e3:.1f} ms of it processor"
        )
        print(f"  ratio of averages:  {(INTERVAL / 2 + theirs) / ours:5.0f}")
    assert ours < theirs + INTERVAL / 2  # 50 times as long, when quiet: the feature is that order


async def upstream(chp: PublicProxy, hub: HubStandIn) -> float:
    """Return the seconds that JupyterHub's check takes on an empty proxy."""
    proxy = ConfigurableHTTPProxy(app=hub, hub=hub.hub, **named(chp))
    start = time.perf_counter()
    await proxy.check_routes(hub.users, {})
    seconds = time.perf_counter() - start
    assert len(await proxy.get_all_routes()) == COUNT + 1
    await JupyterHubHTTPClient.loop_instance().close()
    return seconds


async def watched(chp: PublicProxy, hub: HubStandIn) -> tuple[float, float, float]:
    """Return seconds until all routes are back, and of a look (by the clock, of the processor)."""
    proxy = WatchedProxy(app=hub, hub=hub.hub, **named(chp))
    await proxy.check_routes(hub.users, {})  # also starts the watch
    chp.replace()
    start = time.perf_counter()
    last = f"/user/user-{COUNT - 1}/"
    async with asyncio.timeout(minutes(5)):
        while not await proxy._has(last):  # noqa: ASYNC110  # another process
            await asyncio.sleep(0.1)  # patience: what is measured, as exactly as this
    seconds = time.perf_counter() - start
    proxy._watcher.cancel()
    assert len(await proxy.get_all_routes()) == COUNT + 1
    begun, spent = time.perf_counter(), time.process_time()
    for _ in range(LOOKS):
        assert not await proxy._lost()
    look = (time.perf_counter() - begun) / LOOKS
    processor = (time.process_time() - spent) / LOOKS
    await JupyterHubHTTPClient.loop_instance().close()
    return seconds, look, processor


def named(chp: PublicProxy) -> dict[str, Any]:
    return {"api_url": chp.api_url, "auth_token": chp.token}
