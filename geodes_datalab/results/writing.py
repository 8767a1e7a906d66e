"""The files of items: written beside the catalogue, with their sizes and checksums, before anything refers to them."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import xarray as xr

from geodes_datalab import saving
from geodes_datalab._types import Json
from geodes_datalab.results.describing import CONTENT, fingerprint
from geodes_datalab.results.pieces import Piece

STAGE = ".publishing-"
_SHA256 = "1220"
"""Multihash: the function, and the length of what it gives."""


@contextmanager
def stage(folder: Path) -> Iterator[Path]:
    """Give a folder to write to, which is gone at the end; those that killed processes left are removed."""
    for left in folder.glob(f"{STAGE}*"):
        _remove_if_left(left)
    made, lock = _held(folder)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        lock.close()


def _held(folder: Path) -> tuple[Path, IO[str]]:
    """Make a folder, and hold a lock on it; another process may have taken it for left meanwhile."""
    while True:
        made = Path(tempfile.mkdtemp(prefix=STAGE, dir=folder))
        lock = (made / ".lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (made / ".lock").exists():
            return made, lock
        lock.close()


def _remove_if_left(folder: Path) -> None:
    """Remove a folder whose process has ended: it holds no lock on it any more."""
    try:
        with (folder / ".lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        return


def write(
    cube: xr.Dataset | None, pieces: Sequence[Piece], where: Path, progress: bool | None
) -> dict[str, dict[str, Path]]:
    """Write the files of all items; return their paths, by item and by asset.

    A cube is computed in one go: what several dates and variables need is computed once.
    """
    result: dict[str, dict[str, Path]] = {one.id: {} for one in pieces}
    if cube is not None:
        root = str(where).replace("{", "{{").replace("}", "}}")
        steps = "{time:%Y%m%dT%H%M%S%f}/" if any(one.step for one in pieces) else ""
        saving.save(cube, f"{root}/{steps}{{variable}}.tif", format="cog", progress=progress)
    for number, piece in enumerate(pieces):
        for key, part in piece.parts.items():
            path = where / piece.step / f"{key}.tif"
            if isinstance(part, Path):
                path = where / f"file-{number}" / f"{key}{part.suffix.lower()}"
                path.parent.mkdir()
                shutil.copyfile(part, path)
            result[piece.id][key] = path
    return result


def finished(item: Json, files: dict[str, Path]) -> Json:
    """Return an item with what its files weigh, their checksums and their addresses beside it."""
    assets = {
        key: {**one, "file:size": files[key].stat().st_size, "file:checksum": _checksum(files[key])}
        for key, one in item["assets"].items()
    }
    told = {**item, "assets": assets}
    content = fingerprint(told)
    placed = {
        key: {"href": f"./{content[:16]}/{files[key].name}", **one} for key, one in assets.items()
    }
    properties = {**item["properties"], CONTENT: content}
    return {**told, "properties": properties, "assets": placed}


def _checksum(path: Path) -> str:
    with path.open("rb") as stream:
        return _SHA256 + hashlib.file_digest(stream, "sha256").hexdigest()
