"""How fast a user's server is there, beside the image of before.

``make bench-images FORMER=localhost/geodes-datalab/notebook:0.1.0`` lets both images take turns and prints
seconds and ratios. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Iterator

import pytest
from inside import Image, opened

pytestmark = [pytest.mark.benchmark, pytest.mark.images, pytest.mark.timeout(1800)]

ROUNDS = 5
WORDS = {"page": "page of the Lab", "cell": "first cell"}


@pytest.fixture(scope="module")
def pair() -> Iterator[dict[str, Image]]:
    """Return this image, and the former one where it is named."""
    former = os.environ.get("FORMER")
    images = {"now": "notebook", **({"former": former} if former else {})}
    openings = {which: opened(name) for which, name in images.items()}
    yield {which: next(opening) for which, opening in openings.items()}
    for opening in openings.values():
        opening.close()


def test_start(pair: dict[str, Image], capsys: pytest.CaptureFixture[str]) -> None:
    found: dict[str, list[dict[str, float]]] = {which: [] for which in pair}
    for _ in range(ROUNDS + 1):
        for which, image in pair.items():
            done = image.run("python", "/mnt/benchmarks/first_cell.py")
            assert done.returncode == 0, done.stdout + done.stderr
            found[which].append(json.loads(done.stdout.splitlines()[-1]))
    with capsys.disabled():
        for key, words in WORDS.items():
            middle = {
                which: statistics.median(
                    one[key] for one in rounds[1:]
                )  # the first one reads the disk
                for which, rounds in found.items()
            }
            seconds = ", ".join(f"{which} {value:.2f} s" for which, value in middle.items())
            ratio = f", ratio {middle['now'] / middle['former']:.2f}" if "former" in middle else ""
            print(f"\n{words}: {seconds}{ratio}")
