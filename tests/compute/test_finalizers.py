"""Dropped Dask Gateway objects must not hang the event loop that they would have to wait for."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.waiting import minutes

from geodes_datalab.hub.steps.singleuser import SIGNING

# The last reference goes on the loop's own thread, as it does when the garbage collector runs there.
DROP_ON_LOOP = """
import os, sys, threading
from dask_gateway import Gateway
from geodes_datalab.compute import finalizers

auth, seconds, *guard = sys.argv[1:]
if guard:
    finalizers.install()
    finalizers.install()
os.environ["JUPYTERHUB_API_TOKEN"] = "token"
first = Gateway("http://127.0.0.1:9", auth=auth)
second = Gateway("http://127.0.0.1:9", auth=auth, loop=first.loop)
holder = [second]
loop = second.loop.asyncio_loop
del second
loop.call_soon_threadsafe(holder.clear)
answered = threading.Event()
loop.call_soon_threadsafe(answered.set)
print("answers" if answered.wait(float(seconds)) else "hangs", flush=True)
if not answered.is_set():
    os._exit(0)
first.close()
"""


def play(auth: str, seconds: int, *guard: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", DROP_ON_LOOP, auth, str(seconds), *guard],
        capture_output=True,
        text=True,
        timeout=minutes(5),
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("auth", ["basic", "jupyterhub"])
def test_a_gateway_dropped_on_its_loop_hangs_it_without_the_guard(auth: str) -> None:
    # When this fails, dask_gateway has mended it: drop finalizers.py and signing.py.
    assert play(auth, 3) == "hangs"


def test_a_gateway_dropped_on_its_loop_is_closed_aside() -> None:
    assert play("basic", 60, "guard") == "answers"


def test_what_user_servers_are_told_guards_notebooks_from_elsewhere() -> None:
    assert play(SIGNING, 60) == "answers"
