"""Reading where the data lie, against the peers: every row of the table, on one distant server.

``make bench ARGS=tests/benchmarks/test_archives.py`` prints, for each work and library, the seconds, the
processor's seconds, requests, bytes and peak memory, each in a process of its own and best of `ROUNDS`
that are interleaved; then the ratio to the peer beside the one that was promised. The server waits 50 ms
before each answer and sends 12 MB/s on each connection (30 ms and no limit for COGs).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.waiting import minutes

sys.path.insert(0, str(Path(__file__).parent))
import archive_site

ROUNDS = 3
PEERS = Path(__file__).with_name("archive_peers.py")
pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        bool(archive_site.missing()), reason=archive_site.missing() or "all is there"
    ),
]


class Row(NamedTuple):
    """A work, and by how much each peer's seconds are to be more than ours."""

    work: str
    promised: dict[str, float]
    limit: float
    """Seconds that no reader can go below here, by round trips, bytes and decoding."""


ROWS = {
    "window": Row("512 x 512 of one band in a zip of 500 MB", {"remotezip": 9, "vsizip": 5}, 0.4),
    "cube": Row("12 products x 4 bands x 512 x 512", {"odc": 10}, 1.9),
    "overview": Row("1/16 overview of a band", {"vsizip": 8}, 0.7),
    "lazy": Row("lazy cube of 500 items x 4 bands", {"stackstac": 10, "odc": 100}, 0.006),
    "cogs": Row("1024 x 1024 of 48 COGs", {"odc": 1.3}, 0.45),
}


ALSO = {"lazy": ["arrays"], "overview": ["ours8"]}
"""The arrays alone, without looking at items; with 8 requests at a time instead of 16."""


class Place(NamedTuple):
    """The server and what it serves."""

    site: archive_site.Site
    folder: Path


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    cache = Path(os.environ["TESTS_CACHE_HOME"]) / "geodes-datalab"
    folder = archive_site.products(cache)
    site = archive_site.Site(tmp_path_factory.mktemp("nginx"), folder)
    try:
        yield Place(site, folder)
    finally:
        site.close()


def run(far: Place, work: str, peer: str) -> dict[str, Any]:
    size = (far.folder / "p00.zip").stat().st_size
    sizes = [
        f"{band}={(far.folder / f'd00_{band}.tif').stat().st_size}" for band in archive_site.BANDS
    ]
    far.site.counted()
    done = subprocess.run(
        [sys.executable, str(PEERS), work, peer, far.site.url, str(size), *sizes],
        capture_output=True, text=True, check=False, timeout=minutes(20),
        env={**os.environ, "PYTHONPATH": str(PEERS.parents[1])},  # for the tests' own `support`
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    told["requests"], told["bytes"] = far.site.counted()
    return told


@pytest.mark.parametrize("work", ROWS)
def test_row(far: Place, work: str, capsys: pytest.CaptureFixture[str]) -> None:
    row = ROWS[work]
    peers = ["ours", *ALSO.get(work, ()), *row.promised]
    runs: dict[str, list[dict[str, Any]]] = {peer: [] for peer in peers}
    for _ in range(ROUNDS):
        for peer, seen in runs.items():
            seen.append(run(far, work, peer))
    best = {peer: min(seen, key=lambda one: one["seconds"]) for peer, seen in runs.items()}
    with capsys.disabled():
        print(f"\n{row.work} (load {os.getloadavg()[0]:.1f}; least of {ROUNDS})")
        for peer, one in best.items():
            print(told(peer, one, best["ours"], row))
    assert len({one.get("sum") for one in best.values()}) == 1  # the very same pixels


def told(peer: str, one: dict[str, Any], ours: dict[str, Any], row: Row) -> str:
    line = (
        f"  {peer:10} {one['seconds']:8.3f} s {one['processor']:6.2f} CPU-s {one['requests']:6} req "
        f"{one['bytes'] / 1e6:7.1f} MB {one['peak']:6.0f} MB peak"
    )
    if "graph" in one:
        line += f" graph {one['graph']:.3f} MB"
    if peer in row.promised:
        line += (
            f"  ours is {one['seconds'] / ours['seconds']:.1f}x faster (promised {row.promised[peer]:g}x)"
            f", {one['requests'] / max(1, ours['requests']):.0f}x fewer requests"
            f", {one['bytes'] / max(1, ours['bytes']):.0f}x fewer bytes"
        )
    else:
        line += f"  {one['seconds'] / row.limit:.1f}x the limit"
    return line
