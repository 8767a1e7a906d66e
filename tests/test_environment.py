"""What conftest.py promises to every test."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from pytest_socket import SocketConnectBlockedError


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("203.0.113.7", 443)])
def test_sockets_beyond_this_machine_are_blocked(address: tuple[str, int]) -> None:
    with socket.socket() as caller, pytest.raises(SocketConnectBlockedError):
        caller.connect(address)


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as caller:
        caller.connect(server.getsockname())


def test_home_is_empty_and_nothing_steers_the_datalab(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    assert Path.home().is_relative_to(tmp_path_factory.getbasetemp())
    assert not [path for path in Path.home().rglob("*") if path.is_file()]
    assert Path(os.environ["XDG_CONFIG_HOME"]).is_relative_to(Path.home())
    assert not [name for name in os.environ if name.startswith(("AWS_", "DASK_", "GEODES_"))]
