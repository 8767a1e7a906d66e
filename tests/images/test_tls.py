"""The TLS guard is in every Python of the images, by a .pth file in site-packages."""

from __future__ import annotations

import json

import pytest
import trustme
from inside import Image

pytestmark = [pytest.mark.images, pytest.mark.timeout(1200)]


def scenario(image: Image, python: str) -> dict[str, object]:
    """Play the defect with the standard library alone; nothing of ours is asked for."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems) + authority.cert_pem.bytes()
    pem = issued.private_key_pem.bytes() + chain
    play = f"cat >/tmp/pem && {python} /mnt/compute/tls_scenario.py /tmp/pem /tmp/pem"
    done = image.run("sh", "-c", play, text=pem.decode())
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_healthy_connection_stays_healthy_when_another_one_ends(image: Image) -> None:
    said = scenario(image, "python")
    assert said["before"] == "SSLWantReadError"
    assert said["after"] == ["SSLWantReadError", "SSLWantReadError"]
    assert said["then"] == "still here"


def test_the_guard_is_still_needed(image: Image) -> None:
    """The day Debian's Python is cured, this fails: the guard and its .pth file can go."""
    assert scenario(image, "/usr/bin/python3")["after"][0] != "SSLWantReadError"


def test_the_guard_costs_nothing_until_ssl_is_imported(image: Image) -> None:
    code = "import sys; print('datalab_tls' in sys.modules, 'ssl' in sys.modules, 'geodes_datalab' in sys.modules)"
    assert image.run("python", "-c", code).stdout.split() == ["True", "False", "False"]
    code = "import ssl, sys; from geodes_datalab.compute import tls; print(tls.active(), [sorted(f.names) for f in sys.meta_path if 'Watch' in repr(f)])"
    assert image.run("python", "-c", code).stdout == "True [['certifi', 'pyproj.network']]\n"
    timed = image.run("python", "-X", "importtime", "-c", "import ssl")
    for line in timed.stderr.splitlines():
        if line.endswith(("datalab_tls", " ssl", " site")):
            print(image.name, line)


def test_kernels_and_dask_have_it_too(notebook: Image) -> None:
    code = "import distributed; from geodes_datalab.compute import tls; print(tls.active())"
    assert notebook.python(code) == "True\n"
