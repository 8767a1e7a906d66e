"""A scheduler and what the gateway answers to its signs of life."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import pytest
from dask_gateway.scheduler_preload import GatewayClient, GatewaySchedulerService
from distributed import Scheduler
from distributed.core import Status
from support.waiting import minutes
from tornado import web
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from geodes_datalab.compute import lifetime


async def after(answers: list[int]) -> tuple[int, Status]:
    """Let a gateway give these answers; return how many were asked for, and the scheduler's state."""
    left = iter(answers)
    asked = 0
    last = asyncio.Event()

    class Heartbeat(web.RequestHandler):
        def post(self) -> None:
            nonlocal asked
            asked += 1
            self.set_status(next(left, answers[-1]))
            if asked >= len(answers) + 2:
                last.set()

    socket, port = bind_unused_port()
    server = HTTPServer(web.Application([(r".*", Heartbeat)]))
    server.add_socket(socket)
    async with Scheduler(host="127.0.0.1", port=0, dashboard_address="127.0.0.1:0") as scheduler:
        client = GatewayClient("name", "token", f"http://127.0.0.1:{port}")
        service = GatewaySchedulerService(scheduler, gateway=client, heartbeat_period=0.05)
        scheduler.services["gateway"] = service
        lifetime.dask_setup(scheduler)
        service.listen(("127.0.0.1", 0))
        ends = [asyncio.ensure_future(one) for one in (scheduler.finished(), last.wait())]
        await asyncio.wait(ends, timeout=minutes(2), return_when=asyncio.FIRST_COMPLETED)
        for one in ends:
            one.cancel()
        found = asked, scheduler.status
    server.stop()
    await server.close_all_connections()  # or a later test's garbage has their sockets
    return found


def test_a_cluster_that_is_over_has_no_scheduler() -> None:
    assert asyncio.run(after([HTTPStatus.OK, lifetime.OVER])) == (2, Status.closed)


@pytest.mark.parametrize("answer", [401, 404, 500, 503])
def test_trouble_of_the_gateway_ends_nothing(answer: int) -> None:
    assert asyncio.run(after([200, answer, answer])) == (5, Status.running)
