"""Which clusters a scheduler's service ends: those that nobody uses, not those that wait for workers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from dask_gateway import Gateway
from dask_gateway.scheduler_preload import GatewaySchedulerService
from distributed import Client, Scheduler, Worker
from support.waiting import Hopeless, aeventually, eventually

from geodes_datalab.compute import idleness

IDLE = 0.2
"""Seconds after which the service calls a cluster idle; it looks four times as often."""


class Told:
    """Notes that it was asked to end the cluster."""

    token = "token"

    def __init__(self) -> None:
        self.asked = 0
        self.away = 0
        """How often it does not answer."""

    async def heartbeat(self, message: dict[str, Any]) -> None:
        pass

    async def shutdown(self) -> None:
        self.asked += 1
        if self.asked <= self.away:
            raise ConnectionRefusedError


@pytest.fixture(autouse=True)
def service_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(GatewaySchedulerService, "check_idle", GatewaySchedulerService.check_idle)
    return


@asynccontextmanager
async def running() -> Any:
    """A scheduler with the service, as the command line of our gateways starts it."""
    async with Scheduler(host="127.0.0.1", port=0, dashboard_address="127.0.0.1:0") as scheduler:
        idleness.dask_setup(scheduler)
        service = GatewaySchedulerService(scheduler, gateway=Told(), idle_timeout=IDLE)
        service.listen(("127.0.0.1", 0))
        try:
            yield service
        finally:
            service.stop()


async def ended(service: Any) -> None:
    async def asked() -> bool:
        return bool(service.gateway.asked)

    await aeventually(asked, "the gateway is asked to end the cluster")


async def spared(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the service look often enough to call an idle cluster idle twice; it must not."""
    looks = 0

    def look(self: idleness.Idleness, now: float) -> float:
        nonlocal looks
        looks += 1
        return original(self, now)

    original = idleness.Idleness.seconds
    with monkeypatch.context() as patch:
        patch.setattr(idleness.Idleness, "seconds", look)

        async def enough() -> bool:
            if service.gateway.asked:
                raise Hopeless("the gateway was asked to end the cluster")
            return looks >= 12

        await aeventually(enough, "the service looks, and spares the cluster")


def test_nobody_s_cluster_ends() -> None:
    async def play() -> None:
        async with running() as service:
            await ended(service)

    asyncio.run(play())


def test_a_gateway_that_is_away_is_asked_again() -> None:
    async def play() -> None:
        async with running() as service:
            service.gateway.away = 2

            async def again() -> bool:
                return bool(service.gateway.asked > 2)

            await aeventually(again, "the gateway is asked a third time")

    asyncio.run(play())


def test_workers_that_do_not_come_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        async with running() as service:
            await service.scale(2)
            await spared(service, monkeypatch)
            await service.scale(0)  # no longer
            await ended(service)

    asyncio.run(play())


def test_they_are_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idleness, "LONGEST_WAIT", 4 * IDLE)

    async def play() -> None:
        async with running() as service:
            await service.scale(2)
            await ended(service)

    asyncio.run(play())


def test_idleness_begins_when_the_workers_are_there() -> None:
    async def play() -> None:
        async with Scheduler(
            host="127.0.0.1", port=0, dashboard_address="127.0.0.1:0"
        ) as scheduler:
            service = GatewaySchedulerService(scheduler, gateway=Told())
            look = idleness.Idleness(service, now=0).seconds
            assert [look(10), look(20)] == [0, 10]  # Dask has just begun to be idle at the first
            await service.scale(1)
            assert [look(30), look(3600)] == [0, 0]
            async with Worker(scheduler.address, name="one", dashboard_address="127.0.0.1:0"):
                assert [look(3610), look(3640)] == [10, 40]
            assert look(3650) == 0  # and it is lost again
            assert look(30 + idleness.LONGEST_WAIT) == 0
            assert look(3650 + idleness.LONGEST_WAIT) > 0

    asyncio.run(play())


def test_tasks_without_a_worker_are_no_idleness(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        async with (
            running() as service,
            Client(service.scheduler.address, asynchronous=True) as client,
        ):
            tasks = client.map(abs, range(100))  # more than workers are there for: they are queued

            async def there() -> bool:
                return bool(service.scheduler.queued or service.scheduler.unrunnable)

            await aeventually(there, "the tasks wait")
            await spared(service, monkeypatch)
            del tasks
            await ended(service)

    asyncio.run(play())


def test_a_real_gateway_ends_the_cluster_that_nobody_uses(gateway: Any) -> None:
    with Gateway() as mine:
        waits = eventually(lambda: without_workers(mine), "a cluster waits for its workers").value
        unused = mine.submit(idle=2)  # later, with the same minutes
        eventually(lambda: unused not in gateway.running(), "the unused one is ended")
        assert gateway.running() == [waits]
        mine.scale_cluster(waits, 0)
        eventually(lambda: gateway.running() == [], "the other one is ended too")


def without_workers(mine: Gateway) -> str:
    """Open a cluster whose workers never come; ValueError: it was over before it was asked for them."""
    name = mine.submit(broken="worker", idle=2)
    eventually(lambda: mine.get_cluster(name).status.name != "PENDING", "its scheduler starts")
    mine.scale_cluster(name, 2)
    return str(name)
