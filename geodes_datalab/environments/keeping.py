"""Changes of an environment happen wholly or not at all, whatever interrupts them.

An environment with its record is whole. While one is changed it has none, and what it was lies beside it
(``.NAME.former``), to be put back at an error, at Ctrl-C, and by the next command after a kill.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from geodes_datalab.environments.kernel import RECORD
from geodes_datalab.environments.kernels import withdraw
from geodes_datalab.errors import DISK_FULL, OwnEnvironmentError, StorageError

_ENDING = (signal.SIGTERM, signal.SIGHUP)
_FORMER, _COPYING, _GONE = "former", "copying", "gone"
_BEGUN = "datalab-begun"
"""File of an environment that is being made: what a killed process left is told from a folder of the user's."""


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Let no other process change environments meanwhile; put in order what one left that was killed."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        with (root / ".lock").open("a") as lock:
            if not _locked(lock):
                raise OwnEnvironmentError(
                    "another geodes-datalab env is making or changing an environment",
                    hint="wait until it has ended, or end it",
                )
            _recover(root)
            with _stopped_by_signals():
                yield
    except StorageError:
        raise
    except OSError as error:
        hint = (
            "make room in your home" if error.errno in DISK_FULL else "look at who may write there"
        )
        raise StorageError(
            f"environments cannot be kept in {root}: {error.strerror or error}", hint
        ) from error


def tidy(root: Path) -> None:
    """Put in order what a killed process left, unless a process is at work."""
    with suppress(OSError), (root / ".lock").open("a") as lock:
        if _locked(lock):
            _recover(root)


@contextmanager
def whole(folder: Path, *, anew: bool = False) -> Iterator[None]:
    """Let an environment be made or changed; at any error it is what it was before.

    Parameters
    ----------
    folder
        Of the environment, which need not be there.
    anew
        It is made anew: its folder is put aside. Otherwise it is changed where it is, and a copy is put
        aside, made of links to the same files (pip replaces files and does not write into them).
    """
    former = _beside(folder, _FORMER)
    try:
        if folder.exists():
            _set_aside(folder, former, anew=anew)
        folder.mkdir(exist_ok=True)
        (folder / _BEGUN).touch()
        yield
        (folder / _BEGUN).unlink()
    except BaseException:
        with undisturbed():
            _put_back(folder, former)
        raise
    with undisturbed():
        shutil.rmtree(former, ignore_errors=True)


def discard(folder: Path) -> None:
    """Remove an environment; a process that is killed meanwhile leaves nothing that looks like one."""
    with undisturbed():
        withdraw(folder.name, folder)
        gone = _beside(folder, _GONE)
        shutil.rmtree(gone, ignore_errors=True)
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _set_aside(folder: Path, former: Path, *, anew: bool) -> None:
    if anew:
        folder.rename(former)
        return
    copying = _beside(folder, _COPYING)
    shutil.rmtree(copying, ignore_errors=True)
    shutil.copytree(folder, copying, symlinks=True, copy_function=_link)
    copying.rename(former)
    (folder / RECORD).unlink()


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # a file system without links
        shutil.copy2(source, target, follow_symlinks=False)


def _put_back(folder: Path, former: Path) -> None:
    """Remove what was half made, and bring back what was there before."""
    if not former.exists():
        if not (folder / RECORD).exists():
            withdraw(folder.name, folder)
            shutil.rmtree(folder, ignore_errors=True)
        return
    shutil.rmtree(folder, ignore_errors=True)
    former.rename(folder)


def _recover(root: Path) -> None:
    for kind in (_COPYING, _GONE):
        for left in root.glob(f".*.{kind}"):
            shutil.rmtree(left, ignore_errors=True)
    for former in root.glob(f".*.{_FORMER}"):
        folder = root / former.name[1 : -len(_FORMER) - 1]
        if (folder / RECORD).exists():
            shutil.rmtree(former, ignore_errors=True)
        else:
            _put_back(folder, former)
    for begun in root.glob(f"[!.]*/{_BEGUN}"):
        _put_back(begun.parent, _beside(begun.parent, _FORMER))


def _beside(folder: Path, kind: str) -> Path:
    return folder.with_name(f".{folder.name}.{kind}")


def _locked(lock: Any) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: nothing to be known
        return True
    return True


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Take a terminal that is closed, or an end that is asked for, as Ctrl-C: what is half made goes."""

    def stop(*_: Any) -> NoReturn:
        raise KeyboardInterrupt

    with _handled(lambda number: stop if signal.getsignal(number) is not signal.SIG_IGN else None):
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let nobody interrupt what puts things in order: it takes seconds at most."""
    with _handled(lambda _: signal.SIG_IGN, signal.SIGINT):
        yield


@contextmanager
def _handled(handler: Callable[[int], Any], *more: signal.Signals) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return
    chosen = {number: handler(number) for number in (*_ENDING, *more)}
    before = {number: signal.signal(number, to) for number, to in chosen.items() if to is not None}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
