"""The guard against python/cpython#148594, with whatever Python and OpenSSL this machine has.

Where the defect shows, the guard must cure it; where it does not, the guard must stay out.
"""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from geodes_datalab.compute import tls

SCENARIO = Path(__file__).with_name("tls_scenario.py")
ROOT = Path(__file__).parents[2]
PYTHONS = sorted({sys.executable, *filter(Path.exists, [Path("/usr/bin/python3")])}, key=str)


@pytest.fixture(autouse=True)
def unguarded() -> Iterator[None]:
    """Take out the guard that an earlier test's Dask client has put into this process."""
    guarded = tls.active()
    tls.remove()
    yield
    tls.remove()
    if guarded:
        tls.install()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A fresh self-signed certificate for localhost, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl program to make a certificate with")
    folder = tmp_path_factory.mktemp("certificate")
    certificate, key = folder / "c.pem", folder / "k.pem"
    command = f"req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {key} -out {certificate}"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([openssl, *command.split(), *names], check=True, capture_output=True)
    return certificate, key


def play(python: object, certificate: tuple[Path, Path], *guard: str) -> dict[str, Any]:
    done = subprocess.run(
        [str(python), str(SCENARIO), *map(str, certificate), *guard],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("python", PYTHONS, ids=str)
def test_the_guard_cures_the_defect_and_stays_out_without_it(
    python: object, certificate: tuple[Path, Path]
) -> None:
    bare = play(python, certificate)
    guarded = play(python, certificate, "guard")
    assert bare["before"] == "SSLWantReadError"
    assert bare["then"] == guarded["then"] == "still here"
    affected = bare["after"] != ["SSLWantReadError", "SSLWantReadError"]
    assert guarded["guard"] is affected
    assert guarded["after"] == ["SSLWantReadError", "SSLWantReadError"]


def test_the_self_test_agrees_with_the_scenario(certificate: tuple[Path, Path]) -> None:
    after = play(sys.executable, certificate)["after"]
    assert tls.defect_present() is (after != ["SSLWantReadError", "SSLWantReadError"])


def test_connections_for_the_self_test_can_be_made_here() -> None:
    assert tls._healthy_connection_breaks(lambda: None) is tls.defect_present()


def test_openssl_s_queue_can_be_emptied_with_and_without_ctypes() -> None:
    ways = list(tls._ways_to_clear())
    assert len(ways) >= 2
    for clear in ways:
        assert not tls._healthy_connection_breaks(clear)


def test_the_patch_acts_on_errors_only_and_comes_off() -> None:
    cleared: list[bool] = []
    original = ssl.SSLSocket.send
    tls._patch(lambda: cleared.append(True))
    try:
        assert tls.active()
        near, far = tls._connected()
        with near:
            with pytest.raises(ssl.SSLWantReadError):
                near.recv(1)
            assert cleared == []  # "nothing to read yet" is no error
            tls._reset(far)
            with pytest.raises((ConnectionResetError, ssl.SSLEOFError)):
                near.send(b"x")
            assert cleared == [True]
    finally:
        tls.remove()
    assert ssl.SSLSocket.send is original
    assert not tls.active()


def test_loading_the_guard_is_light() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys, geodes_datalab.compute.tls; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"ssl", "dask", "numpy", "ctypes", "socket"} & set(done.stdout.split())
