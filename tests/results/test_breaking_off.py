"""What is killed, at whatever moment, leaves a valid catalogue; what runs at once all lands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from cubes_to_publish import TERMS, cube, walked
from support.waiting import minutes

import geodes_datalab as gd

HERE = Path(__file__).parent
WITHDRAWN = "greenness_20240311T105021"
OLD = ["greenness_20240301T105031", WITHDRAWN]
NEW = [*OLD, "greenness_20240410T105029"]


def run(*words: object) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=minutes(5),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("action", "steps", "possible"),
    [
        ("publish", 15, [OLD, NEW]),
        ("replace", 19, [OLD]),
        ("hide", 21, [OLD]),
        ("withdraw", 8, [OLD, OLD[:1]]),
        ("withdraw-all", 8, [OLD, []]),
    ],
)
def test_killed_at_any_change_of_the_disk(
    tmp_path: Path, action: str, steps: int, possible: list[list[str]]
) -> None:
    ended = int(run(HERE / "breaking_off.py", tmp_path, action, steps))
    assert 0 < ended < steps
    for count in range(1, steps + 1):
        place = tmp_path / str(count)
        assert sorted(walked(place, "alice")) in possible
        found = gd.search(catalogue=place)
        assert sorted(found.ids) in possible
        if found:
            _holds_either(gd.load(found, "ndvi")["ndvi"])
        gd.publish(cube(3), place=place, replace=True, visibility="public", **TERMS)
        assert sorted(walked(place, "alice")) == sorted(gd.search(catalogue=place).ids) == NEW
        assert len(list(place.rglob("ndvi.tif"))) == 3
        assert not [*place.rglob(".publishing-*"), *place.rglob(".saving-*")]


def _holds_either(here: xr.DataArray) -> None:
    """Check that each date has the pixels of one publication or of the other, whole."""
    for at, pixels in enumerate(here):
        known = [cube(3)["ndvi"][at], *([cube(2, seed=1)["ndvi"][at]] if at < 2 else [])]
        assert any(np.array_equal(pixels, one, equal_nan=True) for one in known)


AT_ONCE = """
import sys
from cubes_to_publish import TERMS, cube
from geodes_datalab.results import publish
print("ready", flush=True)
sys.stdin.readline()
for number in range(4):
    publish(cube(1, seed=number), name=f"{sys.argv[1]}-{number}", place=sys.argv[2], visibility="public", **TERMS)
"""


def test_two_processes_that_publish_at_once_both_land(tmp_path: Path) -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", AT_ONCE, name, tmp_path], cwd=HERE, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for name in ("north", "south")
    ]  # fmt: skip
    assert [one.stdout.readline() for one in running if one.stdout] == ["ready\n"] * 2
    for one in running:
        assert one.stdin
        one.stdin.write("\n")
        one.stdin.flush()
    for one in running:
        _, trouble = one.communicate(timeout=minutes(5))
        assert one.returncode == 0, trouble
    wanted = sorted(f"{name}-{n}_20240301T105031" for name in ("north", "south") for n in range(4))
    assert sorted(walked(tmp_path, "alice")) == wanted
    assert sorted(gd.search(catalogue=tmp_path).ids) == wanted
