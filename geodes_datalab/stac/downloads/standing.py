"""What lies on the disk under the names of a file: the file itself, another one, or nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from enum import Enum
from pathlib import Path

from geodes_datalab.stac.downloads import marks
from geodes_datalab.stac.downloads.digests import digest, remembered
from geodes_datalab.stac.downloads.naming import PART, File, Taken, assign, inside

LEVELS = 4
"""Names of a file that are looked under."""


class Standing(Enum):
    """What is at a place."""

    WHOLE = "the file, of the size and with the digest of the catalogue"
    BEGUN = "a part of the file, or the file, but damaged or of another version"
    FREE = "nothing, or what the file may replace"
    FOREIGN = "something else, which stays"


def standing(file: File, level: int, folder: Path) -> Standing:
    """Tell what lies at the place of a file.

    Parameters
    ----------
    file
        The file.
    level
        Which of its names.
    folder
        Folder of the download.
    """
    path = folder / file.name(level)
    if not _usable(path, folder):
        return Standing.FOREIGN
    begun = _part(file, level, path)
    if begun is Standing.FOREIGN or not path.is_file():
        return begun
    if is_whole(file, path, level):
        return Standing.WHOLE
    note = marks.read(path)
    if note is None:
        return begun if file.owns(level) else Standing.FOREIGN
    return Standing.BEGUN if file.is_noted(note) else Standing.FOREIGN


def is_whole(file: File, path: Path, level: int) -> bool:
    """Tell whether a file is there that is proved to be the one, and whole.

    By its digest, where the catalogue tells it. Otherwise by the note on it; where there is none, by a name that no
    other file has.
    """
    note, size, md5 = marks.read(path), file.asset.get("file:size"), file.asset.get("geodes:md5")
    with suppress(OSError):
        there = path.stat().st_size
        if size is not None and there != size:
            return False
        if md5 is not None:
            return bool(digest(path) == md5)
        if note is None:
            return file.owns(level)
        return file.is_noted(note) and note.get("size") == there
    return False


def placed(files: Iterable[File], folder: Path) -> list[tuple[int, Standing]]:
    """Choose a name for each of several files; those that are there, or begun, keep theirs.

    Returns
    -------
    list of tuple
        The level of each file's name, and what lies there.
    """
    known = list(files)
    seen = [[standing(file, level, folder) for level in range(LEVELS)] for file in known]
    held: dict[str, int] = {}
    taken = Taken()
    for wanted in (Standing.WHOLE, Standing.BEGUN):
        for file, result in zip(known, seen, strict=True):
            for level in reversed(range(LEVELS)):
                if file.href in held or result[level] is not wanted:
                    continue
                if taken.take(file.name(level)):
                    held[file.href] = level
    foreign = {
        file.href: {level for level in range(LEVELS) if result[level] is Standing.FOREIGN}
        for file, result in zip(known, seen, strict=True)
    }
    chosen = assign(known, held, foreign)
    return [
        (level, result[level] if level < LEVELS else Standing.FREE)
        for level, result in zip(chosen, seen, strict=True)
    ]


def kept(file: File, folder: Path, *, shared: bool) -> tuple[Path | None, bool]:
    """Find a file that was downloaded, without reading it, as far as that is safe.

    Parameters
    ----------
    file
        The file.
    folder
        Where it may lie.
    shared
        Whether other files that may be meant have its plain name.

    Returns
    -------
    tuple
        Where it is, if anywhere, and whether there is one of another size instead.
    """
    other = False
    for level in reversed(range(LEVELS)):
        path = folder / file.name(level)
        if not path.is_file() or not inside(path, folder):
            continue
        note, size, there = marks.read(path), file.asset.get("file:size"), path.stat().st_size
        noted = note is not None and file.is_noted(note)
        if (size is not None and size != there) or (noted and (note or {}).get("size") != there):
            other = True
        elif noted or (note is None and _believed(file, level, shared)) or _proved(file, path):
            return path.resolve(), False
    return None, other


def _believed(file: File, level: int, shared: bool) -> bool:
    """Tell whether a file on which nothing is noted is taken for what it is called."""
    return file.owns(level) or (not shared and file.asset.get("geodes:md5") is None)


def _proved(file: File, path: Path) -> bool:
    """Tell whether a file has the digest that the catalogue tells; what was read is remembered."""
    md5 = file.asset.get("geodes:md5")
    return bool(md5 is not None and remembered(path) == md5)


def _usable(path: Path, folder: Path) -> bool:
    """Tell whether a file can be written there, and stays in the folder."""
    if os.path.lexists(folder) and not folder.is_dir():
        return True  # whatever it is called: the disk will say why nothing can be written
    part = path.with_name(path.name + PART)
    above = next((item for item in path.parents if os.path.lexists(item)), folder)
    if not above.is_dir() or part.is_symlink():
        return False
    if os.path.lexists(part) and not part.is_file():
        return False
    return not path.is_dir() and (not folder.exists() or inside(path, folder))


def _part(file: File, level: int, path: Path) -> Standing:
    """Tell whose the unfinished file is."""
    part = path.with_name(path.name + PART)
    if not part.is_file():
        return Standing.FREE
    note = marks.read(part)
    if note is not None and file.is_noted(note):
        return Standing.BEGUN
    return Standing.FREE if note is None or file.owns(level) else Standing.FOREIGN
