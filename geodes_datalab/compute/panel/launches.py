"""Clusters on an HPC centre that the panel asked for: submitted, waited for, handed over."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from geodes_datalab.compute import access, reasons
from geodes_datalab.compute.gateway import choose, refusal
from geodes_datalab.compute.outage import Outage
from geodes_datalab.compute.panel import factory
from geodes_datalab.errors import ClusterError, GatewayAway

POLL = 1.0
"""Seconds between two looks at a cluster that waits."""

KEPT = 20
"""How many launches that have ended are remembered, for browsers that ask late."""


@dataclass
class Launch:
    """One cluster on its way."""

    name: str
    """The gateway's name of it."""
    task: asyncio.Task[Any]
    """Waits for it, and hands it to the panel."""
    failure: str = ""
    """Why it failed, once somebody asked."""

    @property
    def state(self) -> str:
        """``starting``, ``running``, ``cancelled`` or ``failed``."""
        if not self.task.done():
            return "starting"
        if self.task.cancelled():
            return "cancelled"
        return "failed" if self.task.exception() else "running"


class Launches:
    """All of one user server."""

    def __init__(self) -> None:
        self._all: dict[str, Launch] = {}

    async def options(self) -> list[dict[str, Any]]:
        """Return what may be chosen: name, default and specification, as the gateway tells it.

        Raises
        ------
        ClusterError
            The gateway is away, or refuses.
        """
        async with _centre() as gateway:
            told = await reasons.fetched(gateway, "/api/v1/options")
        return list(told.get("cluster_options", []))

    async def begin(self, workers: int, options: Mapping[str, Any]) -> str:
        """Submit a cluster, and return the panel's name of it.

        Parameters
        ----------
        workers
            How many to ask for when it runs.
        options
            As `open_cluster` takes them; others have the gateway's defaults.

        Raises
        ------
        ClusterError
            The gateway is away, or refuses the cluster.
        """
        async with _centre() as gateway:
            chosen = await gateway.cluster_options(use_local_defaults=False)
            choose(chosen, options)
            try:
                submitted = await gateway.submit(chosen)
            except ValueError as error:
                raise refusal(error) from error
        number = str(uuid4())
        task = asyncio.create_task(_start(number, submitted, workers))
        task.add_done_callback(_seen)
        self._all[number] = Launch(submitted, task)
        self._forget()
        return number

    async def told(self, number: str) -> dict[str, Any]:
        """Return what is known of a launch: its cluster, its state, and why it waits or failed.

        Parameters
        ----------
        number
            As `begin` returned it.

        Raises
        ------
        KeyError
            There is none.
        """
        launch = self._all[number]
        state, text = launch.state, launch.failure
        if state == "starting":
            text = reasons.text(await _known(launch)) or ""
        elif state == "failed" and not text:
            text = reasons.failure(await _known(launch)) or str(launch.task.exception())
            launch.failure = text
        return {"id": number, "cluster": launch.name, "state": state, "text": text}

    async def all_told(self) -> list[dict[str, Any]]:
        """Return what is known of the launches that have not ended."""
        waiting = [number for number, item in self._all.items() if item.state == "starting"]
        return [await self.told(number) for number in waiting]

    async def cancel(self, number: str) -> None:
        """Give a cluster up that has not started; its job is cancelled.

        Parameters
        ----------
        number
            As `begin` returned it.

        Raises
        ------
        KeyError
            There is none.
        """
        task = self._all[number].task
        task.cancel()
        await asyncio.wait([task])

    def _forget(self) -> None:
        ended = [number for number, item in self._all.items() if item.task.done()]
        for number in ended[:-KEPT]:
            del self._all[number]


def _seen(task: asyncio.Task[Any]) -> None:
    """Take note of a failure, or asyncio complains in the server's log; browsers are told of it."""
    if not task.cancelled():
        task.exception()


async def _start(number: str, name: str, workers: int) -> None:
    """Wait for a cluster in the panel's own list; cancelled while it waits, the cluster is stopped."""
    from dask_labextension.manager import manager

    factory.submitted.set(name)  # of this task alone
    configuration = {"name": f"HPC centre {name[:8]}", "workers": workers}
    try:
        await _leaves_the_queue(name)
        await manager.start_cluster(number, configuration)
    except BaseException:  # cancelled after its start, above all: nobody would hold it
        with contextlib.suppress(ClusterError, ValueError):
            async with _centre() as gateway:
                await gateway.stop_cluster(name)
        raise


async def _leaves_the_queue(name: str) -> None:
    """Wait until a cluster runs or has ended; a gateway that restarts meanwhile is no end of it."""
    outage = Outage()
    async with _centre() as gateway:  # one connection, however long it takes
        while True:
            try:
                with access.translated(gateway.address):
                    status = (await gateway.get_cluster(name)).status.name
                outage.over()
                if status != "PENDING":
                    return
            except GatewayAway as error:
                outage.bear(error)
            await asyncio.sleep(POLL)


async def _known(launch: Launch) -> dict[str, Any]:
    """Return what the gateway knows of a cluster; nothing while it is away."""
    with contextlib.suppress(ClusterError):
        async with _centre() as gateway:
            return await reasons.fetched(gateway, reasons.waiting_path(launch.name))
    return {}


@contextlib.asynccontextmanager
async def _centre() -> Any:
    gateway = access.client("hpda", asynchronous=True)
    try:
        with access.translated(gateway.address):
            yield gateway
    finally:
        await gateway.close()
