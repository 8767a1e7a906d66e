from __future__ import annotations

import socket
from dataclasses import astuple

import psutil
import pytest

from geodes_datalab.errors import LocalModeError
from geodes_datalab.local import ports


def test_a_block_can_be_foreseen() -> None:
    assert astuple(ports.block(8000)) == (
        8000,
        8001,
        8002,
        8003,
        8004,
        8005,
        8006,
        8007,
        8008,
        8009,
    )


def test_auto_finds_different_free_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: port % 2 == 0)  # others come and go
    found = astuple(ports.choose("auto"))
    assert len(set(found)) == 10
    assert all(port % 2 == 0 for port in found)


def test_a_port_is_free_until_somebody_listens() -> None:
    with socket.create_server((ports.HOST, 0)) as taken:
        assert not ports.is_free(taken.getsockname()[1])


def test_a_taken_port_is_told_with_its_holder() -> None:
    with socket.create_server((ports.HOST, 0)) as taken:
        first = taken.getsockname()[1]
        with pytest.raises(LocalModeError) as caught:
            ports.choose(str(first))
    message = str(caught.value)
    own = psutil.Process()
    assert f"{first} (process {own.pid}, {own.name()})" in message
    assert "--port auto" in message


@pytest.mark.parametrize("wanted", ["80", "http", "", "70000", "-1"])
def test_what_is_no_port_is_refused(wanted: str) -> None:
    with pytest.raises(LocalModeError, match="no port that can be used"):
        ports.choose(wanted)
