"""One file, from the server to the disk: resumed where possible, verified, whole or not at all."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from geodes_datalab._http import Client, content_range, pause
from geodes_datalab._types import Json
from geodes_datalab.errors import (
    DISK_FULL,
    BrokeOff,
    ChecksumError,
    RequestError,
    ServiceError,
    StorageError,
)
from geodes_datalab.stac.downloads import marks
from geodes_datalab.stac.downloads.digests import digest
from geodes_datalab.stac.downloads.job import Job, Occupied, Stopped, Watch
from geodes_datalab.stac.downloads.resume import Version, keeps_packing
from geodes_datalab.stac.downloads.standing import Standing

CHUNK = 1 << 16
"""Bytes per write, and the most that are lost when a connection breaks."""

LOOK_AGAIN = 0.5
"""Seconds between two looks whether another process is done with the same file."""


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
            result = Standing.FREE if job.there and not others_wrote else job.standing()
            if result is Standing.FOREIGN:
                raise Occupied(
                    f"{job.path} is another file, which stays",
                    "run the same line again, or give another folder",
                )
            if result is not Standing.WHOLE:
                _fetch(job, client, watch)
    return job.path


def _fetch(job: Job, client: Client, watch: Watch) -> None:
    """Receive the file, and once more where it is not what was announced."""
    for last in (False, True):
        coming = _Coming(job, client, watch, second=last)
        coming.receive_all()
        wrong = _fault(job)
        if wrong is None:
            marks.write(job.part, coming.note() | {"size": job.received()})
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


class _Coming:
    """A file that is being received: what is there of it, and of which version that is.

    What is there is gone on with where the end can be proved right: by the digest that the catalogue tells,
    or by the version that the server tells, now and when the bytes came. Else it is begun anew.
    """

    def __init__(self, job: Job, client: Client, watch: Watch, *, second: bool) -> None:
        self._job, self._client, self._watch, self._second = job, client, watch, second
        note = marks.read(job.part)
        mine = note is not None and job.file.is_noted(note)
        self._version = Version.noted(note if mine else None)
        self._whole = False
        """Whether all came that the server had announced, where nobody tells the size."""

    def note(self) -> Json:
        """Return what is noted on the file."""
        return self._job.file.origin | self._version.note()

    def receive_all(self) -> None:
        """Receive until the file is whole, going on after interruptions."""
        job, retries = self._job, self._client.config.retries
        resume, failed = True, 0
        error = ServiceError(f"{job.path.name} never became whole", "try again later")
        while failed <= retries:
            before = job.received()
            try:
                self._receive(resume=resume)
            except (RequestError, ServiceError) as failure:
                broke = isinstance(failure, BrokeOff)
                if not broke and not (resume and job.received() and _about_range(failure)):
                    raise
                resume = broke
                error = ServiceError(failure.message, failure.hint, status=failure.status)
            else:
                if self._is_whole():
                    return
                resume = True
                if job.received() > before:
                    continue  # a server that sends so much at a time
            failed += 1
            if failed <= retries and self._watch.stop.wait(pause(self._client.config, failed - 1)):
                raise Stopped
        raise error

    def _size(self) -> int | None:
        return self._version.total if self._job.size is None else self._job.size

    def _is_whole(self) -> bool:
        size = self._size()
        return self._whole if size is None else self._job.received() >= size

    def _have(self) -> int:
        """Return how many bytes are there that may be gone on with."""
        proved = self._job.md5 is not None or self._version.certain
        return self._job.received() if proved else 0

    def _receive(self, *, resume: bool) -> None:
        """Ask for the file, or the rest of it, and write what comes."""
        have = self._have() if resume else 0
        if have and have == self._size():
            return
        job = self._job
        with self._client.stream(
            job.href, self._span(have), json="json" in job.path.suffix
        ) as response:
            self._write(response, self._begin(response, have))

    def _span(self, have: int) -> dict[str, str]:
        """Return the headers that ask for the rest; a digest proves more than the server's word."""
        condition = self._version.condition if self._job.md5 is None else {}
        return {"Range": f"bytes={have}-", **condition} if have else {}

    def _begin(self, response: requests.Response, have: int) -> int:
        """Return where the bytes that come belong, and note which version they are of.

        Raises
        ------
        ServiceError
            They do not belong to those that are there.
        """
        position = _start(response, have)
        told = Version.of(response.headers, response.status_code)
        if position and self._job.md5 is None and not self._version.goes_on(told):
            raise ServiceError(
                f"{self._job.path.name} was changed on the server while it was fetched",
                "run the same line again",
                status=502,
            )
        if not position:
            os.truncate(self._job.part, 0)
            self._version = told
            marks.write(self._job.part, self.note())
        return position

    def _write(self, response: requests.Response, position: int) -> None:
        job, watch = self._job, self._watch
        packed = self._unpack(response)
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
        self._whole = packed or self._ends_at(response, position)

    def _unpack(self, response: requests.Response) -> bool:
        """Have the file unpacked that was packed for the way; tell whether it came packed."""
        job = self._job
        keeps = keeps_packing(response.headers, job.path.name, job.size)
        if keeps is None:
            return False
        if response.status_code == 206:
            raise ServiceError(
                f"the server sent a part of {job.path.name} packed: it cannot be joined to the rest",
                "try again later, and tell the archive's helpdesk",
                status=502,
            )
        if keeps != self._second:  # the second time it is tried the other way round
            response.raw.headers.pop("Content-Encoding")  # urllib3 looks there, and unpacks nothing
        return True

    def _ends_at(self, response: requests.Response, position: int) -> bool:
        """Tell whether a file of unknown size ends there: a cut connection looks like an end."""
        if self._size() is not None or "chunked" in response.headers.get("Transfer-Encoding", ""):
            return True
        try:
            size = self._client.probe(self._job.href).size
        except ServiceError as error:
            raise BrokeOff(error.message, error.hint, status=error.status) from error
        return size is None or size <= position


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


def _fault(job: Job) -> str | None:
    """Say what is wrong with the received bytes, or None."""
    received = job.received()
    if job.size is not None and received != job.size:
        return f"{received} bytes instead of {job.size}"
    result = digest(job.part) if job.md5 else None
    return None if result == job.md5 else f"MD5 {result} instead of {job.md5}"


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
