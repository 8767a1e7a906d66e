"""Dropped Dask Gateway objects must not hang the event loop that they would have to wait for."""

from __future__ import annotations

import subprocess
import sys

# The last reference goes on the loop's own thread, as it does when the garbage collector runs there.
DROP_ON_LOOP = """
import sys, threading
from dask_gateway import Gateway
from geodes_datalab.compute import finalizers

if "guard" in sys.argv:
    finalizers.install()
    finalizers.install()
first = Gateway("http://127.0.0.1:9", auth="basic")
second = Gateway("http://127.0.0.1:9", auth="basic", loop=first.loop)
holder = [second]
loop = second.loop.asyncio_loop
del second
loop.call_soon_threadsafe(holder.clear)
answered = threading.Event()
loop.call_soon_threadsafe(answered.set)
print("answers" if answered.wait(30 if "guard" in sys.argv else 3) else "hangs", flush=True)
if not answered.is_set():
    import os
    os._exit(0)
first.close()
"""


def play(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", DROP_ON_LOOP, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


def test_a_gateway_dropped_on_its_loop_hangs_it_without_the_guard() -> None:
    assert play() == "hangs"  # when this fails, dask_gateway has mended it: drop finalizers.py


def test_a_gateway_dropped_on_its_loop_is_closed_aside() -> None:
    assert play("guard") == "answers"
