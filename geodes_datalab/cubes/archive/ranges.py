"""Parts of files: on disk, on servers, and parts of parts."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

from geodes_datalab import _http, auth
from geodes_datalab.cubes.archive import accounting
from geodes_datalab.cubes.archive.asking import Answer, ask, ask_again
from geodes_datalab.cubes.archive.trouble import Changed, broken
from geodes_datalab.errors import ArchiveError, RequestError, ServiceError

GAP = 96 * 1024
"""Bytes that are fetched though nobody asked, where that saves a request."""

PIECE = 8 * 2**20
"""Bytes of one request at most: longer parts are fetched in several requests at a time."""

ANSWERS = 1000
"""Answers that a piece may come in, at most, where a server sends less than it is asked for."""


class Span(NamedTuple):
    """Bytes from ``begin`` up to, and without, ``end``."""

    begin: int
    end: int

    @property
    def length(self) -> int:
        """Number of bytes."""
        return self.end - self.begin


class Bytes(Protocol):
    """A file of which parts can be read."""

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        ...

    def parts(self, spans: Sequence[Span]) -> list[bytes]:
        """Return the bytes of each span, all of them, in the order given."""
        ...


def part(file: Bytes, begin: int, end: int) -> bytes:
    """Return the bytes of one span."""
    return file.parts([Span(begin, end)])[0]


def merged(spans: Iterable[Span], gap: int | None = None) -> list[Span]:
    """Join spans that overlap, or that are not further apart than a gap (by default `GAP`).

    Examples
    --------
    >>> merged([Span(50, 60), Span(0, 10), Span(12, 20)], gap=5)
    [Span(begin=0, end=20), Span(begin=50, end=60)]
    """
    joined: list[Span] = []
    allowed = GAP if gap is None else gap
    for span in sorted(spans):
        if joined and span.begin <= joined[-1].end + allowed:
            joined[-1] = Span(joined[-1].begin, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


class FileBytes:
    """A file on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.size = path.stat().st_size

    def parts(self, spans: Sequence[Span]) -> list[bytes]:
        """Read; see `Bytes`."""
        _refuse_outside(spans, self.size)
        with self._path.open("rb") as stream:
            result = [os.pread(stream.fileno(), span.length, span.begin) for span in spans]
        if any(len(data) != span.length for data, span in zip(result, spans, strict=True)):
            raise broken(f"{self._path.name} became shorter while it was read")
        return result


class Section:
    """A part of a file, taken as a file."""

    def __init__(self, file: Bytes, offset: int, size: int) -> None:
        self._file, self._offset = file, offset
        self.size = size

    def parts(self, spans: Sequence[Span]) -> list[bytes]:
        """Read; see `Bytes`."""
        _refuse_outside(spans, self.size)
        here = self._offset
        return self._file.parts([Span(here + begin, here + end) for begin, end in spans])


class Kept:
    """A file of which the parts once read are kept in memory."""

    def __init__(self, file: Bytes, held: Sequence[tuple[int, bytes]] = ()) -> None:
        self._file = file
        self.size = file.size
        self._held = [(begin, data) for begin, data in held if data]

    def parts(self, spans: Sequence[Span]) -> list[bytes]:
        """Read what is not held yet; see `Bytes`."""
        _refuse_outside(spans, self.size)
        missing = merged([span for span in spans if self._find(span) is None])
        fetched = self._file.parts(missing) if missing else []
        self._held += [(span.begin, data) for span, data in zip(missing, fetched, strict=True)]
        result = [self._find(span) for span in spans]
        return [data if data is not None else b"" for data in result]

    def _find(self, span: Span) -> bytes | None:
        for begin, data in self._held:
            if begin <= span.begin and span.end <= begin + len(data):
                return data[span.begin - begin : span.end - begin]
        return None if span.length else b""


class WebFile:
    """A file on a server that honours byte ranges.

    All of its bytes are of one version, as far as the server tells versions: each answer's ``ETag``, or else
    ``Last-Modified``, and the file's size are compared. Where it tells none of them, a file of the same size
    that took its place is not noticed.

    Parameters
    ----------
    client
        Sends the requests.
    url, size
        Address and bytes of the file.
    etag
        Version that the server must still have; whatever it has at first, where not given.
    """

    def __init__(self, client: _http.Client, url: str, size: int, etag: str | None = None) -> None:
        self._client, self._url = client, url
        self.size, self.etag = size, etag
        self._asked = etag is not None
        self._comparing = threading.Lock()

    def parts(self, spans: Sequence[Span]) -> list[bytes]:
        """Fetch, in as few requests as make sense, several at a time; see `Bytes`.

        Raises
        ------
        NoRanges
            The server cannot send parts of a file.
        Changed
            The file is not the one that it was.
        AuthenticationError, QuotaError, RequestError, ServiceError
            The server refused or failed.
        """
        _refuse_outside(spans, self.size)
        whole = merged(span for span in spans if span.length)
        pieces = [piece for span in whole for piece in _pieces(span)]
        if len(pieces) < 2:
            got = [self._fetch(piece) for piece in pieces]
        else:
            pool = _pool(os.getpid(), self._client.config.max_requests)
            others = [pool.submit(self._fetch, piece) for piece in pieces[1:]]
            try:
                got = [self._fetch(pieces[0]), *(item.result() for item in others)]
            finally:
                for item in others:
                    item.cancel()
        return [_cut(span, pieces, got) for span in spans]

    def _fetch(self, span: Span) -> bytes:
        """Fetch a piece; what did not come of it is asked for again, as long as there is hope."""
        settings = self._client.config
        begin, tries, result = span.begin, 0, list[bytes]()
        for _ in range(ANSWERS):
            answer = self._answer(Span(begin, span.end))
            result.append(answer.data)
            begin += len(answer.data)
            if begin == span.end:
                return result[0] if len(result) == 1 else b"".join(result)
            tries = 0 if answer.data else tries + 1
            if tries > settings.retries:
                raise answer.trouble or self._short(span, begin)
            if answer.trouble is not None or tries:
                time.sleep(_http.pause(settings, max(tries - 1, 0)))
        raise self._short(span, begin)

    def _answer(self, span: Span) -> Answer:
        with _turn(os.getpid(), self._client.config.max_requests):
            try:
                answer = ask(self._client, self._url, *span)
            except (ServiceError, RequestError) as error:
                if error.status is None or (error.status < 500 and error.status != 416):
                    raise
                answer = ask_again(self._client, self._url, *span, error=error)
        if answer.data:
            self._compare(answer.total, answer.version)
            accounting.note(self._url, self.size, len(answer.data))
        return answer

    def _compare(self, size: int | None, version: str | None) -> None:
        """Refuse a file that is not the one that it was."""
        if size is not None and size != self.size:
            raise Changed(f"{size} bytes instead of {self.size}")
        with self._comparing:
            if self._asked and version != self.etag:
                raise Changed(f"version {version} instead of {self.etag}")
            self.etag, self._asked = version, True

    def _short(self, span: Span, begin: int) -> ServiceError:
        return ServiceError(
            f"{auth.origin(self._url)[1]} broke off: {begin - span.begin} bytes came where {span.length} "
            "were asked for",
            "try again; if it stays so, download the product",
        )


def _pieces(span: Span) -> list[Span]:
    count = -(-span.length // PIECE)
    step = -(-span.length // count)
    starts = range(span.begin, span.end, step)
    return [Span(start, min(start + step, span.end)) for start in starts]


def _cut(span: Span, pieces: Sequence[Span], got: Sequence[bytes]) -> bytes:
    result = [
        data[max(0, span.begin - piece.begin) : span.end - piece.begin]
        for piece, data in zip(pieces, got, strict=True)
        if piece.begin < span.end and span.begin < piece.end
    ]
    return result[0] if len(result) == 1 else b"".join(result)


def _refuse_outside(spans: Sequence[Span], size: int) -> None:
    for span in spans:
        if not 0 <= span.begin <= span.end <= size:
            raise _outside(span, size)


def _outside(span: Span, size: int) -> ArchiveError:
    return broken(f"bytes {span.begin} to {span.end} are asked for, of {size}")


@lru_cache(maxsize=4)
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """Return the threads that fetch pieces, for this process (a forked one has none of them)."""
    return ThreadPoolExecutor(max(1, threads), thread_name_prefix="geodes-range")


@lru_cache(maxsize=4)
def _turn(process: int, requests_at_a_time: int) -> threading.BoundedSemaphore:
    """Return what keeps all readers of this process together to the limit of the server."""
    return threading.BoundedSemaphore(max(1, requests_at_a_time))
