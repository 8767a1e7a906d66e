"""One file, from the server to the disk: resumed where possible, verified, whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from geodes_datalab._http import Client, content_range
from geodes_datalab.errors import DISK_FULL, ChecksumError, RequestError, ServiceError, StorageError

CHUNK = 1 << 16
"""Bytes per write, and the most that are lost when a connection breaks."""

LONGEST_PAUSE = 30.0
"""Seconds between two tries, at most."""

LOOK_AGAIN = 0.5
"""Seconds between two looks whether another process is done with the same file."""


class BrokeOff(ServiceError):
    """The connection broke in the middle of a file."""


class Stopped(Exception):
    """The download was told to stop; what was received stays for the next time."""


@dataclass(frozen=True)
class Job:
    """One file to fetch."""

    item_id: str
    """Item it belongs to."""
    product: str
    """Name of the product, for messages."""
    href: str
    """Where it is."""
    path: Path
    """Where it goes."""
    size: int | None
    """Bytes, as the catalogue tells."""
    md5: str | None
    """Digest, as the catalogue tells."""

    @property
    def part(self) -> Path:
        """Where it is collected until it is whole."""
        return self.path.with_name(self.path.name + ".part")

    def received(self) -> int:
        """Return the bytes of an earlier, unfinished try."""
        return self.part.stat().st_size if self.part.is_file() else 0

    def complete(self) -> bool:
        """Tell whether the file is there, with the size and digest of the catalogue."""
        if not self.path.is_file() or (
            self.size is not None and self.path.stat().st_size != self.size
        ):
            return False
        return self.md5 is None or _digest(self.path).hexdigest() == self.md5


class Watch:
    """What the transfers share: the progress bar and the wish to stop."""

    def __init__(self, advance: Callable[[int], object]) -> None:
        self._advance = advance
        self._lock = threading.Lock()
        self._positions: dict[Path, int] = {}
        self.stop = threading.Event()
        """Transfers end at their next chunk."""
        self.refused = threading.Event()
        """Those that are on their way go on; no other is begun."""

    def at(self, path: Path, position: int) -> None:
        """Note how many bytes of a file are there; may go back where a file is begun anew.

        Raises
        ------
        Stopped
            The download was told to stop.
        """
        if self.stop.is_set():
            raise Stopped
        with self._lock:
            self._advance(position - self._positions.get(path, 0))
            self._positions[path] = position


def transfer(job: Job, client: Client, watch: Watch) -> Path:
    """Fetch a file.

    Parameters
    ----------
    job
        What to fetch; an unfinished ``.part`` is resumed if the server honours ranges.
    client
        Sends the requests.
    watch
        Counts the bytes, and tells when to stop.

    Returns
    -------
    pathlib.Path
        The verified file.

    Raises
    ------
    ChecksumError
        Twice, other bytes came than the catalogue announced; they were removed.
    StorageError
        The disk is full or may not be written; nothing half-written is left.
    AuthenticationError, QuotaError, RequestError, ServiceError
        The server did not send the file; what came is kept for the next try.
    """
    with _storage(job):
        job.path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(job, watch) as others_wrote:
            if not (others_wrote and job.complete()):
                _fetch(job, client, watch)
    return job.path


def _fetch(job: Job, client: Client, watch: Watch) -> None:
    """Receive the file, and once more where it is not what was announced."""
    for last in (False, True):
        _receive_all(job, client, watch)
        wrong = _fault(job)
        if wrong is None:
            job.part.replace(job.path)
            return
        job.part.open("wb").close()  # emptied, not removed: it carries the lock
        watch.at(job.path, 0)
        if last:
            raise ChecksumError(
                f"{job.path.name} is not what the catalogue announced: {wrong}",
                "it was fetched twice and removed; try again later, and tell the archive's helpdesk",
            )


@contextmanager
def _alone(job: Job, watch: Watch) -> Iterator[bool]:
    """Keep other processes from writing the same file; yield whether one has done so meanwhile.

    The lock is on the unfinished file, and the system drops it when its owner is killed. A file system
    without locks goes without.
    """
    waited = False
    while True:
        with job.part.open("ab") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waited = True
            except OSError:
                yield waited
                return
            else:
                if _is_at(stream.fileno(), job.part):
                    try:
                        yield waited
                    finally:
                        _leave_no_empty(job.part)
                    return
        if waited and watch.stop.wait(LOOK_AGAIN):
            raise Stopped


def _is_at(descriptor: int, path: Path) -> bool:
    """Tell whether an open file still bears that name: its last owner may have renamed it."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def _leave_no_empty(part: Path) -> None:
    if part.is_file() and not part.stat().st_size:
        part.unlink(missing_ok=True)


def _receive_all(job: Job, client: Client, watch: Watch) -> None:
    """Receive until the file is whole, going on after interruptions."""
    resume = True
    error = ServiceError(f"{job.path.name} never became whole", "try again later")
    for attempt in range(client.config.retries + 1):
        try:
            _receive(job, client, watch, resume=resume)
        except (RequestError, ServiceError) as failure:
            broke = isinstance(failure, BrokeOff)
            if not broke and not (resume and job.received() and _about_range(failure)):
                raise
            resume = broke
            error = ServiceError(failure.message, failure.hint, status=failure.status)
        else:
            if job.size is None or job.received() >= job.size:
                return
            resume = True
        if attempt < client.config.retries and watch.stop.wait(_pause(client, attempt)):
            raise Stopped
    raise error


def _receive(job: Job, client: Client, watch: Watch, *, resume: bool) -> None:
    """Ask for the file, or the rest of it, and write what comes."""
    have = job.received() if resume else 0
    if have and have == job.size:
        return
    opened = False
    try:
        span = {"Range": f"bytes={have}-"} if have else {}
        with client.stream(job.href, span, json="json" in job.path.suffix) as response:
            opened = True
            _write(job, response, watch, _start(response, have))
    except ServiceError as error:
        if opened and error.status is None:
            raise BrokeOff(error.message, error.hint) from error
        raise


def _write(job: Job, response: requests.Response, watch: Watch, position: int) -> None:
    with job.part.open("ab" if position else "wb") as stream:
        for chunk in response.iter_content(CHUNK):
            watch.at(job.path, position)
            if job.size is not None and position + len(chunk) > job.size:
                position += stream.write(chunk[: job.size + 1 - position])
                break  # more than was announced: enough to know that it is another file
            stream.write(chunk)
            position += len(chunk)
        stream.flush()
        os.fsync(stream.fileno())
    watch.at(job.path, position)


def _start(response: requests.Response, have: int) -> int:
    """Return where the bytes that come belong: after those that are there, or at the beginning.

    Raises
    ------
    ServiceError
        Somewhere else: the server answers with another range than was asked for.
    """
    if response.status_code != 206:
        return 0
    told = content_range(response.headers)
    if told is not None and told[0] in {have, 0}:
        return told[0]
    span = response.headers.get("Content-Range")
    raise ServiceError(
        f"the server sent other bytes than were asked for ({span or 'no Content-Range'})",
        "try again later, and tell the archive's helpdesk",
        status=502,
    )


def _about_range(error: RequestError | ServiceError) -> bool:
    """Tell whether the server may have stumbled over the range."""
    return error.status is not None and (error.status == 416 or error.status >= 500)


def _pause(client: Client, attempt: int) -> float:
    return min(client.config.backoff * 2.0**attempt, LONGEST_PAUSE)


def _fault(job: Job) -> str | None:
    """Say what is wrong with the received bytes, or None."""
    received = job.received()
    if job.size is not None and received != job.size:
        return f"{received} bytes instead of {job.size}"
    digest = _digest(job.part).hexdigest() if job.md5 else None
    return None if digest == job.md5 else f"MD5 {digest} instead of {job.md5}"


def _digest(path: Path) -> hashlib._Hash:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False))


@contextmanager
def _storage(job: Job) -> Iterator[None]:
    """Turn failures of the disk into `StorageError`, and leave no half-written file on a full one."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        if error.errno in DISK_FULL:
            job.part.unlink(missing_ok=True)
            raise StorageError(
                f"the disk of {job.path.parent} is full; the unfinished {job.part.name} was removed",
                "free some space, or give another folder, and run the same line again",
            ) from error
        raise StorageError(
            f"{job.path} cannot be written: {error.strerror or error}",
            "choose a folder that you may write to",
        ) from error
