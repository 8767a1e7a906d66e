"""When the probe of packets calls a port open, and when it believes that one is silent."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest
from support.waiting import minutes
from trials import packets
from trials.packets import Target

HOST = "127.0.0.1"


@pytest.fixture
def open_port() -> Iterator[Target]:
    with socket.create_server((HOST, 0)) as server:
        yield Target(HOST, server.getsockname()[1])


class Deaf:
    """A port that drops packets, as a policy does: its queue of callers is full."""

    def __init__(self, stack: ExitStack) -> None:
        self.server = stack.enter_context(socket.create_server((HOST, 0), backlog=0))
        self.target = Target(HOST, self.server.getsockname()[1])
        for _ in range(8):
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex((self.target.host, self.target.port))

    def hear(self) -> None:
        """Take callers from now on."""
        self.server.settimeout(0.5)
        try:
            while True:
                self.server.accept()[0].close()
        except OSError:
            pass


@pytest.fixture
def deaf() -> Iterator[Deaf]:
    with ExitStack() as stack:
        yield Deaf(stack)


def verdict(
    target: Target, *, control: Target, wanted: Sequence[str] = (), rounds: Sequence[float]
) -> str:
    asked = packets.question({"it": target}, wanted, control, rounds)
    done = subprocess.run(
        [sys.executable, "-c", packets.PROBE, asked],
        capture_output=True,
        text=True,
        check=True,
        timeout=minutes(5),
    )
    return str(json.loads(done.stdout)["it"])


def test_what_answers_or_refuses_is_open(open_port: Target, closed_port: int) -> None:
    for target in (open_port, Target(HOST, closed_port)):
        assert verdict(target, control=open_port, rounds=(60,)) == "open"


def test_silence_is_believed_where_the_control_answers(open_port: Target, deaf: Deaf) -> None:
    assert verdict(deaf.target, control=open_port, rounds=(0.5, 5, 60)) == "dropped"


def test_silence_is_not_believed_of_a_prober_that_hears_nothing(deaf: Deaf) -> None:
    assert verdict(deaf.target, control=deaf.target, rounds=(0.1, 0.2)) == "prober failed"


def test_what_should_be_open_is_tried_again(open_port: Target, deaf: Deaf) -> None:
    later = threading.Timer(1, deaf.hear)
    later.start()
    try:
        seen = verdict(deaf.target, control=open_port, wanted=["it"], rounds=(0.5, 60))
    finally:
        later.join()
    assert seen == "open"
