"""The API key is found in nothing that a user sees, keeps, logs or sends to Dask's tasks."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.waiting import minutes

KEY = "k3yOfTheWholeWay-7f3a9c1e5b"
JOURNEY = Path(__file__).with_name("journey.py")

EXPECTED = {
    "account.repr",
    "bad-download.traceback",
    "bad-load.traceback",
    "cluster.repr",
    "cube-odc.graph",
    "cube-odc.pickle",
    "cube-stackstac.graph",
    "cube-stackstac.pickle",
    "dask.logs",
    "dask.tasks",
    "debug.log",
    "items.parquet",
    "items.pickle",
    "output",
    "status.repr",
}


def _shapes(key: str) -> list[bytes]:
    """Return the key as it may stand in a file: plain, reversed as base64, in UTF-16."""
    raw = key.encode()
    return [raw, base64.b64encode(raw)[:-4], key.encode("utf-16-le"), raw.hex().encode()]


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory, samples_catalogue: Any) -> Path:
    from geodes_datalab.standin import serve

    folder = tmp_path_factory.mktemp("evidence")
    keyfile = tmp_path_factory.mktemp("secret") / "key"
    keyfile.write_text(KEY)
    home = tmp_path_factory.mktemp("home")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    with serve(samples_catalogue, api_key=KEY) as portal:
        environment |= {"GEODES_PORTAL": portal.url, "HOME": str(home)}
        done = subprocess.run(
            [sys.executable, str(JOURNEY), str(folder), str(keyfile)],
            env=environment,
            capture_output=True,
            check=False,
            timeout=minutes(10),
        )
    (folder / "output").write_bytes(done.stdout + done.stderr)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    assert KEY in (home / ".config/geodes-datalab/credentials.toml").read_text()
    return folder


def test_the_way_was_gone_to_its_end(evidence: Path) -> None:
    assert {path.name for path in evidence.iterdir() if path.is_file()} >= EXPECTED
    assert "urllib3" in (evidence / "debug.log").read_text()


def test_the_key_stands_nowhere(evidence: Path) -> None:
    found = [
        str(path.relative_to(evidence))
        for path in evidence.rglob("*")
        if path.is_file() and any(shape in path.read_bytes() for shape in _shapes(KEY))
    ]
    assert found == []
