"""A program that publishes or withdraws, and is killed at its n-th change of the disk.

``python breaking_off.py PLACE publish|replace|hide|withdraw|withdraw-all N``: for each n from 1 to N, PLACE/n is a
place with one item; a child process then changes it, and is killed (SIGKILL) just before its n-th rename or removal. Prints
how many children came to their end by themselves.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cubes_to_publish import TERMS, cube

from geodes_datalab.results import publish, publishing, unpublish

ACTIONS = {
    "publish": lambda place: publish(cube(3), visibility="public", place=place, **TERMS),
    "replace": lambda place: publish(cube(2, seed=1), replace=True, place=place, **TERMS),
    "withdraw": lambda place: unpublish("greenness", "greenness_20240311T105021", place=place),
    "withdraw-all": lambda place: unpublish("greenness", place=place),
    "hide": lambda place: publish(
        cube(2), visibility="private", replace=True, place=place, **TERMS
    ),
}


def killed_before(count: int) -> None:
    """End this process at its first rename, while files are written, or at a later one once they all are."""
    if count == 1 or "publish" not in ACTIONS[sys.argv[2]].__code__.co_names:
        _count(count)
        return
    write = publishing.write

    def written(*args: Any) -> Any:
        result = write(*args)
        _count(count - 1)
        return result

    publishing.write = written


def _count(left: int) -> None:
    def counting(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*args: Any, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return change(*args, **options)

        return changed

    Path.replace, Path.rename = counting(Path.replace), counting(Path.rename)  # type: ignore[method-assign]
    shutil.rmtree = counting(shutil.rmtree)  # type: ignore[assignment]


def in_a_child(work: Callable[[], Any]) -> bool:
    """Do something in a process of its own, which has no threads of others; tell whether it came to its end."""
    child = os.fork()
    if not child:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def main(root: Path, action: str, most: int) -> None:
    start = root / "start"
    begun = in_a_child(lambda: publish(cube(2), visibility="public", place=start, **TERMS))
    assert begun
    ended = 0
    for count in range(1, most + 1):
        place = root / str(count)
        shutil.copytree(start, place)
        ended += in_a_child(lambda: (killed_before(count), ACTIONS[action](place)))  # noqa: B023
    sys.stdout.write(str(ended))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
