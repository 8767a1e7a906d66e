"""Which folders of a shared claim are homes, and how to open what lies in one.

Nothing is reached by a path that somebody else may change meanwhile: each folder on the way is opened
from the one before, and none of them may be a link. So neither a link in a home nor one in the place of a
home leads out of it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from geodes_datalab.server.home_usage.measure import FOLDER

FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
"""How a file is opened: never through a link, and never waiting for the other end of a pipe."""

MOST = 5000
"""Things of one folder that are shown."""

_FIELD = re.compile(r"\{[a-z_]+\}")
_NO_HOMES = ("lost+found",)


@dataclass(frozen=True)
class Entry:
    """What lies in a folder."""

    name: str
    kind: str
    """``folder``, ``file``, ``link`` or ``other``; only the first two are opened."""
    size: int
    changed: float
    """In seconds since 1970."""
    target: str = ""
    """Where a link leads, as it says itself."""


@dataclass(frozen=True)
class Places:
    """The homes below a folder.

    Parameters
    ----------
    folder
        Where the shared claim is mounted.
    template
        Path of a home in it, as the settings' ``home.subpath``: ``{username}``, ``home/{username}``.
    """

    folder: Path
    template: str = "{username}"

    @property
    def depth(self) -> int:
        """How many parts of a path make the name of a home."""
        parts = self._parts
        return max(number for number, part in enumerate(parts, 1) if _FIELD.search(part))

    def names(self) -> list[str]:
        """Return the names of all homes, in order: none, where the first one is still to be made.

        Raises
        ------
        OSError
            The claim cannot be read.
        """
        with _walked(self.folder, ()):
            pass
        try:
            with _walked(self.folder, self._fixed) as top:
                return sorted(self._below(top, self._parts[: self.depth]))
        except FileNotFoundError:
            return []

    @contextmanager
    def opened(self, name: str, path: tuple[str, ...] = ()) -> Iterator[int]:
        """Open something in a home; yields its descriptor.

        Parameters
        ----------
        name
            Of the home.
        path
            Parts of the path in it; none: the home itself.

        Raises
        ------
        FileNotFoundError
            There is no such home, or no such thing in it.
        OSError
            It cannot be opened: a link is on the way, or its rights forbid it.
        """
        steps = [*self._steps(name), *path]
        if not all(map(_plain, steps)):
            raise FileNotFoundError(2, "no such path", name)
        last = FILE if path else FOLDER
        with _walked(self.folder, (*self._fixed, *steps), last) as result:
            yield result

    def _steps(self, name: str) -> list[str]:
        """Return the parts of the path of a home."""
        parts, given = self._parts, name.split("/")
        if len(given) != self.depth or not all(map(_fits, parts, given)):
            raise FileNotFoundError(2, "no such home", name)
        return [*given, *parts[self.depth :]]

    def _below(self, top: int, parts: list[str]) -> Iterator[str]:
        with os.scandir(top) as entries:
            result = [e.name for e in entries if e.is_dir(follow_symlinks=False)]
        for name in result:
            if not (_plain(name) and _fits(parts[0], name)):
                continue
            if len(parts) == 1:
                yield name
                continue
            with suppress(OSError):  # unreadable, or gone meanwhile
                below = os.open(name, FOLDER, dir_fd=top)
                try:
                    yield from (f"{name}/{rest}" for rest in self._below(below, parts[1:]))
                finally:
                    os.close(below)

    @property
    def _fixed(self) -> list[str]:
        return [part for part in split(self.template)[0].split("/") if part]

    @property
    def _parts(self) -> list[str]:
        return split(self.template)[1].split("/")


def split(template: str) -> tuple[str, str]:
    """Return the fixed part of a template of homes, and the rest.

    Examples
    --------
    >>> split("home/{username}"), split("{username}")
    (('home', '{username}'), ('', '{username}'))
    """
    parts = [part for part in template.split("/") if part]
    fixed = next(number for number, part in enumerate(parts) if _FIELD.search(part))
    return "/".join(parts[:fixed]), "/".join(parts[fixed:])


def listed(folder: int, most: int = MOST) -> list[Entry]:
    """Return what lies in an open folder, folders first.

    Parameters
    ----------
    folder
        Its descriptor.
    most
        How many things are looked at.
    """
    result = []
    with os.scandir(folder) as entries:
        for entry in islice(entries, most):
            with suppress(FileNotFoundError):
                about = entry.stat(follow_symlinks=False)
                kind = _kind(about.st_mode)
                target = os.readlink(entry.name, dir_fd=folder) if kind == "link" else ""
                result.append(Entry(entry.name, kind, about.st_size, about.st_mtime, target))
    return sorted(result, key=lambda entry: (entry.kind != "folder", entry.name))


@contextmanager
def _walked(folder: Path, steps: Sequence[str], last: int = FOLDER) -> Iterator[int]:
    """Go down step by step, never through a link; yields the descriptor of the last one."""
    here = os.open(folder, FOLDER & ~os.O_NOFOLLOW)  # the mount itself is the operator's
    try:
        for number, step in enumerate(steps, 1):
            below = os.open(step, last if number == len(steps) else FOLDER, dir_fd=here)
            os.close(here)
            here = below
        yield here
    finally:
        os.close(here)


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "folder"
    if stat.S_ISREG(mode):
        return "file"
    return "link" if stat.S_ISLNK(mode) else "other"


def _fits(part: str, name: str) -> bool:
    """Tell whether a name may stand for a part of the template."""
    if name.startswith(".") or name in _NO_HOMES:
        return False
    pattern = ".+".join(map(re.escape, _FIELD.split(part)))
    return re.fullmatch(pattern, name, re.DOTALL) is not None


def _plain(step: str) -> bool:
    """Tell whether a step leads one folder down, and nowhere else."""
    return step not in ("", ".", "..") and "/" not in step and "\0" not in step
