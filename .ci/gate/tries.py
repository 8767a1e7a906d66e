"""Second tries from one landing to the next: a file that needs one twice running is at fault."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gate import keeping

KEPT = 20


@dataclass(frozen=True)
class Tries:
    """Green runs, oldest first: commit, and the files that passed at the second try.

    Parameters
    ----------
    file
        Where they are kept.
    """

    file: Path

    def before(self, commit: str) -> set[str]:
        """Return the files of the last green run on another commit."""
        others = [run for run in self._read() if run[0] != commit]
        return set(others[-1][1]) if others else set()

    def keep(self, commit: str, files: Iterable[str]) -> None:
        """Add a green run; runs on one commit are one landing."""
        runs = self._read()
        if runs and runs[-1][0] == commit:
            files = {*runs.pop()[1], *files}
        runs.append((commit, sorted(files)))
        keeping.keep(self.file, runs[-KEPT:])

    def _read(self) -> list[tuple[str, list[str]]]:
        with suppress(OSError, ValueError, TypeError):
            return [
                (str(commit), list(files)) for commit, files in json.loads(self.file.read_text())
            ]
        return []
