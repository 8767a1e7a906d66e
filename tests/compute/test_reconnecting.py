"""A client that loses its scheduler for a moment goes on, whatever is submitted at that very moment."""

from __future__ import annotations

import pytest
from distributed import Client, LocalCluster
from support import kernels
from support.waiting import eventually, minutes

from geodes_datalab.compute import reconnecting
from geodes_datalab.hub.steps.singleuser import RECONNECTING

# A task is submitted by another thread while the client cancels its futures, as a notebook may do it.
SUBMIT_MEANWHILE = """
import os, sys, threading
from distributed import Client, LocalCluster, client as internals

lose, seconds = sys.argv[1:]
began, submitted, cancel, later = threading.Event(), threading.Event(), internals.FutureState.cancel, []

def submit(client):
    began.wait()
    later.append(client.submit(sum, [1, 2], pure=False))
    submitted.set()

def cancel_meanwhile(self, **more):
    began.set()
    submitted.wait(1)  # in vain where submit waits for its turn
    cancel(self, **more)

if __name__ == "__main__":
    cluster = LocalCluster(n_workers=1, processes=False, protocol="tcp", dashboard_address=":0")
    client = Client(cluster)
    before = client.map(pow, [1, 2, 3], [2, 2, 2], pure=False)
    client.gather(before)
    notebook = threading.Thread(target=submit, args=[client], daemon=True)
    notebook.start()
    internals.FutureState.cancel = cancel_meanwhile
    if lose == "connection":
        client.loop.add_callback(client.scheduler_comm.comm.abort)
    else:
        client.loop.add_callback(client._handle_restart)
    notebook.join()
    internals.FutureState.cancel = cancel
    try:
        told = later[0].result(float(seconds))
    except Exception as error:
        told = type(error).__name__
    print(told, client.status, *(future.status for future in before), flush=True)
    os._exit(0)  # a client that hangs cannot be closed
"""


def play(lose: str, guard: str = "") -> list[str]:
    seconds = minutes(2) if guard else 5  # patience: without the guard, it waits in vain
    done = kernels.run(SUBMIT_MEANWHILE, lose, str(seconds), preload=[guard] if guard else [])
    assert done.stdout, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("lose", ["connection", "restart"])
def test_a_submit_meanwhile_ends_the_cancelling_half_way_without_the_guard(lose: str) -> None:
    # When this fails, distributed has mended it: drop reconnecting.py.
    told, status, *before = play(lose)
    assert set(before) != {"cancelled"}
    if lose == "connection":
        assert (told, status) == ("TimeoutError", "connecting")


@pytest.mark.parametrize("lose", ["connection", "restart"])
def test_what_user_servers_are_told_guards_their_clients(lose: str) -> None:
    assert play(lose, RECONNECTING) == ["3", "running", "cancelled", "cancelled", "cancelled"]


def test_open_cluster_guards_its_client() -> None:
    """Outside the hub, where nothing is preloaded."""
    code = (
        "if __name__ == '__main__':\n"
        "    import geodes_datalab as gd\n"
        "    with gd.open_cluster(workers=1, backend='local') as cluster:\n"
        "        print(type(cluster.client)._reconnect.__module__)"
    )
    done = kernels.run(code)
    assert done.stdout.split()[-1:] == [RECONNECTING], done.stderr


def test_a_scheduler_that_does_not_come_back_closes_the_client(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reconnecting.install()
    reconnecting.install()
    cluster = LocalCluster(n_workers=0, processes=False, protocol="tcp", dashboard_address=":0")
    with Client(
        cluster.scheduler_address,
        timeout=1,  # patience: the client's own limit is what is tested
        set_as_default=False,
    ) as client:
        cluster.close()
        eventually(lambda: client.status == "closed", "the client's end")
    assert "did not come back within 1 s" in caplog.text
