"""The guard against python/cpython#148594, with whatever Python and OpenSSL this machine has.

Where the defect shows, the guard must cure it; where it does not, the guard must stay out.
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from support.waiting import minutes

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
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key, its fresh certificate for localhost, and the authority's, in one file."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    pem = tmp_path_factory.mktemp("certificate") / "pem"
    issued.private_key_and_cert_chain_pem.write_to_path(str(pem))
    authority.cert_pem.write_to_path(str(pem), append=True)
    return pem


def fits(python: object) -> bool:
    """Tell whether our package runs on the machine's own interpreter, which may be older or a part."""
    code = "import ctypes, json, ssl, sys; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([str(python), "-c", code], capture_output=True).returncode == 0


def play(python: object, certificate: Path, *guard: str) -> dict[str, Any]:
    done = subprocess.run(
        [str(python), str(SCENARIO), str(certificate), str(certificate), *guard],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=minutes(5),
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("python", PYTHONS, ids=str)
def test_the_guard_cures_the_defect_and_stays_out_without_it(
    python: object, certificate: Path
) -> None:
    if not fits(python):
        pytest.skip(f"{python} is no whole Python from 3.11 on (Debian: python3)")
    bare = play(python, certificate)
    guarded = play(python, certificate, "guard")
    assert bare["before"] == "SSLWantReadError"
    assert bare["then"] == guarded["then"] == "still here"
    affected = bare["after"] != ["SSLWantReadError", "SSLWantReadError"]
    assert guarded["guard"] is affected
    assert guarded["after"] == ["SSLWantReadError", "SSLWantReadError"]


def test_the_self_test_agrees_with_the_scenario(certificate: Path) -> None:
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
