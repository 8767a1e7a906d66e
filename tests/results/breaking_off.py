"""A program that publishes or withdraws, and is killed at its n-th change of the disk.

``python breaking_off.py PLACE publish|replace|withdraw|withdraw-all N``: for each n from 1 to N, PLACE/n is a
place with one item; a child process then changes it, and is killed (SIGKILL) just before its n-th rename. Prints
how many children came to their end by themselves.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

from cubes_to_publish import TERMS, cube

import geodes_datalab as gd
from geodes_datalab.results import publish, unpublish

ACTIONS = {
    "publish": lambda place: publish(cube(3), visibility="public", place=place, **TERMS),
    "replace": lambda place: publish(cube(2, seed=1), replace=True, place=place, **TERMS),
    "withdraw": lambda place: unpublish("greenness", "greenness_20240311T105021", place=place),
    "withdraw-all": lambda place: unpublish("greenness", place=place),
    "hide": lambda place: publish(cube(2), visibility="private", replace=True, place=place, **TERMS),  # fmt: skip
}


def killed_before(count: int) -> None:
    """End this process when so many files and folders have got their names."""
    left = count

    def counting(change):
        def changed(*args, **options):
            nonlocal left
            left -= 1
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return change(*args, **options)

        return changed

    Path.replace, Path.rename = counting(Path.replace), counting(Path.rename)
    shutil.rmtree = counting(shutil.rmtree)


def main(root: Path, action: str, most: int) -> None:
    start = root / "start"
    publish(cube(2), visibility="public", place=start, **TERMS)
    gd.load  # noqa: B018 - imported before the forks
    ended = 0
    for count in range(1, most + 1):
        place = root / str(count)
        shutil.copytree(start, place)
        child = os.fork()
        if not child:
            killed_before(count)
            ACTIONS[action](place)
            os._exit(0)
        ended += os.waitpid(child, 0)[1] == 0
    sys.stdout.write(str(ended))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
