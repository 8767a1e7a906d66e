"""Copy the shipped notebooks into a home, and never overwrite what the user wrote.

A manifest in the copy remembers what was shipped last, file by file. A file that still is what was
shipped is updated; one that the user changed is kept, and the new version is put beside it once; one
that the user deleted stays deleted. Standard library only: images run it at their start::

    python -m geodes_datalab.server.notebooks_sync ~/notebooks
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

MANIFEST = ".shipped.json"
"""File in the user's copy that remembers what was shipped last."""

_IGNORED = {"__pycache__", ".ipynb_checkpoints", ".git", "locale"}


@dataclass
class Report:
    """What a synchronisation did, as paths relative to the folder."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    """New versions of files that the user changed."""
    kept: list[str] = field(default_factory=list)
    """Changed by the user, nothing new to offer."""
    deleted: list[str] = field(default_factory=list)
    """Deleted by the user, and left so."""

    def __str__(self) -> str:
        """Count, in words."""
        counts = {name: len(result) for name, result in vars(self).items() if result}
        return ", ".join(f"{n} {name}" for name, n in counts.items()) or "nothing to do"


def shipped() -> Path | None:
    """Return the folder of the shipped notebooks: of the installed package, or of the checkout."""
    package = Path(__file__).parents[1]
    for folder in (package / "_notebooks", package.parent / "notebooks"):
        if (folder / "README.md").is_file():
            return folder
    return None


def sync(source: Path, target: Path, *, restore: bool = False) -> Report:
    """Bring a user's copy up to date.

    Parameters
    ----------
    source
        Folder of the shipped notebooks.
    target
        The user's copy; made where it does not exist.
    restore
        Bring back what the user deleted.

    Returns
    -------
    Report
        What was done.

    Raises
    ------
    OSError
        A file could not be written (a full disk ...); no file is left half-written, and the
        manifest tells what was done up to there.
    """
    target.mkdir(parents=True, exist_ok=True)
    known = _read_manifest(target)
    report = Report()
    try:
        for name, path in _files(source):
            known[name] = _one(
                name,
                path.read_bytes(),
                target,
                last=known.get(name),
                restore=restore,
                report=report,
            )
    finally:
        _write(target / MANIFEST, _as_json(known))
    return report


def fresh(source: Path, target: Path, name: str) -> str:
    """Put one file as it was shipped into a user's copy; keep theirs beside it, under another name.

    Parameters
    ----------
    source, target
        As for `sync`.
    name
        Of a shipped file: its path in the folder or the last part of that, with or without the ending.

    Returns
    -------
    str
        What was done, in words.

    Raises
    ------
    LookupError
        There is no such file, or more than one; nothing was changed.
    OSError
        A file could not be written; the user's is there, under one name or the other.
    """
    full, path = _called(source, name)
    content, mine = path.read_bytes(), target / full
    current, said = _current(mine), f"{full} is as it was shipped"
    if current not in (None, _digest(content)):
        kept = _free_name(mine, "mine")
        mine.rename(kept)
        said += f"; yours is {kept.relative_to(target).as_posix()}"
    _write(mine, content)
    known = {**_read_manifest(target), full: _digest(content)}
    _write(target / MANIFEST, _as_json(known))
    return said


def _called(source: Path, name: str) -> tuple[str, Path]:
    """Find a file by its name; translations lie deeper, and are found by their path."""
    files = dict(_files(source))
    names = {
        full: (full, full.removesuffix(path.suffix), path.name, path.stem)
        for full, path in files.items()
    }
    found = [full for full in files if name in names[full]]
    found = [full for full in found if full.count("/") == min(one.count("/") for one in found)]
    if len(found) > 1:
        raise LookupError(f"{name} may be {' or '.join(found)}: give the whole path")
    if not found:
        raise LookupError(f"no shipped file is called {name}; there are {', '.join(files)}")
    return found[0], files[found[0]]


def _one(
    name: str, content: bytes, target: Path, *, last: str | None, restore: bool, report: Report
) -> str:
    """Handle one file; return the digest to remember."""
    new, path = _digest(content), target / name
    current = _current(path)
    if current is None:
        if last is not None and not restore:
            report.deleted.append(name)
        else:
            _write(path, content)
            report.added.append(name)
    elif current == new:
        pass
    elif current == last:
        _write(path, content)
        report.updated.append(name)
    elif new == last:
        report.kept.append(name)
    else:
        _write(_free_name(path, "new"), content)
        report.beside.append(name)
    return new


def _current(path: Path) -> str | None:
    """Return the digest of the user's file; a link or folder counts as changed by the user."""
    if path.is_symlink() or path.is_dir():
        return "not a plain file"
    return _digest(path.read_bytes()) if path.exists() else None


def _free_name(path: Path, mark: str) -> Path:
    day = dt.datetime.now(tz=dt.UTC).strftime("%Y%m%d")
    beside = path.with_name(f"{path.stem}.{mark}-{day}{path.suffix}")
    number = 2
    while os.path.lexists(beside):
        beside = path.with_name(f"{path.stem}.{mark}-{day}-{number}{path.suffix}")
        number += 1
    return beside


def _files(source: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(source.rglob("*")):
        relative = path.relative_to(source)
        if path.is_file() and not _IGNORED & set(relative.parts) and path.name != MANIFEST:
            yield relative.as_posix(), path


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read_manifest(target: Path) -> dict[str, str]:
    try:
        values = json.loads((target / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return {}  # without it every changed file counts as the user's: nothing is lost
    return dict(values) if isinstance(values, Mapping) else {}


def _as_json(known: Mapping[str, str]) -> bytes:
    return json.dumps(known, indent=1, sort_keys=True).encode()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def main() -> None:
    """Run as a command."""
    parser = argparse.ArgumentParser(description="Copy the shipped notebooks, keep your changes.")
    parser.add_argument("target", type=Path, help="your copy, for example ~/notebooks")
    parser.add_argument("--source", type=Path, default=shipped(), help="the shipped notebooks")
    parser.add_argument("--restore", action="store_true", help="bring deleted ones back")
    parser.add_argument("--fresh", metavar="NAME", help="bring one back as shipped")
    options = parser.parse_args()
    source, target = options.source, options.target.expanduser()
    if source is None:
        parser.error("no notebooks were shipped with this package: name them with --source")
    try:
        one = options.fresh
        done = (
            sync(source, target, restore=options.restore)
            if one is None
            else fresh(source, target, one)
        )
    except LookupError as error:
        parser.error(str(error))
    print(done)  # noqa: T201  # a command: printing is its work


if __name__ == "__main__":
    main()
