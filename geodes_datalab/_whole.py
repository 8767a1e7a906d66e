"""A file, or a folder of them, that is there as a whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from geodes_datalab.errors import DISK_FULL, CubeError, GeodesError, StorageError

_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}
_LEAST = 2**20
"""Bytes that are free on a disk that is not full."""

_STORE = {".zgroup", ".zattrs", ".zmetadata", "zarr.json"}
"""What tells a Zarr store from somebody's folder."""


def local_path(path: Any) -> str:
    """Return a path on this machine as text.

    Raises
    ------
    CubeError
        It is none.
    """
    if not isinstance(path, str | os.PathLike) or not str(path):
        raise CubeError(f"{path!r} is no path", hint='give one, for example "ndvi.tif"')
    text = os.fspath(path)
    if "://" in str(text):
        raise CubeError(
            f"{text} is on a server, and files are written to this machine's disks",
            hint="save it here and copy it there; for object stores, xarray's to_zarr(store) writes "
            "to any that fsspec or obstore know",
        )
    return str(Path(str(text)).expanduser().absolute())


@contextmanager
def whole(targets: Sequence[Path], *, overwrite: bool) -> Iterator[list[Path]]:
    """Give names to write to; what is written there gets its own name once all of it is complete.

    Whatever ends it before that (an error, Ctrl-C) leaves nothing behind, and what was there as it was.

    Parameters
    ----------
    targets
        Where the files belong.
    overwrite
        Whether those that are there may be replaced.

    Raises
    ------
    CubeError
        Something is there already.
    StorageError
        The disk is full, or may not be written.
    """
    for target in targets:
        _refuse(target, overwrite=overwrite)
    folder = _made(targets)
    made = tempfile.mkdtemp(prefix=".saving-", dir=folder)
    try:
        temporary = [Path(made, str(number), item.name) for number, item in enumerate(targets)]
        for item in temporary:
            item.parent.mkdir()
        yield temporary
        for number, (done, target) in enumerate(zip(temporary, targets, strict=True)):
            _put(done, target, Path(made, f"former-{number}"))
    except (
        OSError,
        RuntimeError,
    ) as error:  # HDF5 and GDAL say in their own ways that a disk is full
        if isinstance(error, GeodesError) or not _is_full(folder, error):
            raise
        raise StorageError(
            f"the disk is full: {targets[0]} could not be written",
            hint="make room there, or give a path on another disk",
        ) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _is_full(folder: Path, error: Exception) -> bool:
    return getattr(error, "errno", None) in DISK_FULL or shutil.disk_usage(folder).free < _LEAST


def _refuse(target: Path, *, overwrite: bool) -> None:
    if not target.exists():
        return
    if not overwrite:
        raise CubeError(
            f"{target} is there already", hint="give another name, or overwrite=True to replace it"
        )
    if target.is_dir() and not _STORE & {item.name for item in target.iterdir()}:
        raise CubeError(
            f"{target} is a folder, and no Zarr store: it is not replaced",
            hint="give the name of a file in it, or another name",
        )


def _made(targets: Sequence[Path]) -> Path:
    """Make the folders of the targets where they are missing; return the one in which all of them lie."""
    parents = {target.parent for target in targets}
    try:
        for parent in parents:
            parent.mkdir(parents=True, exist_ok=True)
            if not os.access(parent, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(parent))
    except OSError as error:
        if error.errno not in _REFUSED | DISK_FULL:
            raise
        raise StorageError(
            f"{targets[0]} could not be written: {error.strerror}", hint="give another path"
        ) from error
    return Path(os.path.commonpath([str(parent) for parent in parents]))


def _put(done: Path, target: Path, former: Path) -> None:
    if target.is_dir() or (target.exists() and done.is_dir()):
        target.rename(former)  # a folder takes no other's place
    done.replace(target)
