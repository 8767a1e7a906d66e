"""Files of servers that cannot send parts of them: fetched whole, and kept for a while without a name."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import requests

from geodes_datalab import _http, auth
from geodes_datalab.cubes.archive.ranges import Span
from geodes_datalab.cubes.archive.trouble import broken
from geodes_datalab.cubes.archive.unpacked import SPARE
from geodes_datalab.errors import DISK_FULL, ReadError, ServiceError, StorageError

LARGEST = 2**30
"""Bytes of a file that is fetched so, at most."""

_STEP = 2**20


class Whole:
    """A file that was fetched whole. It has no name, and goes with this object.

    Parameters
    ----------
    client, url
        Whence it is fetched.

    Raises
    ------
    ReadError
        It is too large to be fetched for some pixels of it.
    StorageError
        The disk is full.
    AuthenticationError, QuotaError, RequestError, ServiceError
        The server refused or failed.
    """

    def __init__(self, client: _http.Client, url: str) -> None:
        folder = Path(client.config.cache_dir)
        for left in range(client.config.retries, -1, -1):
            self._file = _unnamed(folder)
            weakref.finalize(self, self._file.close)
            try:
                with client.stream(url) as response:
                    _copy(response, self._file, url, shutil.disk_usage(folder).free - SPARE)
                break
            except OSError as error:
                if error.errno not in DISK_FULL:
                    raise
                raise StorageError(f"the disk of {folder} is full", "free some space") from error
            except ServiceError:
                if not left:
                    raise
            time.sleep(_http.pause(client.config, client.config.retries - left))
        self.size = os.fstat(self._file.fileno()).st_size

    def parts(self, spans: Sequence[Span]) -> list[bytes]:
        """Read; see `Bytes`."""
        result = [os.pread(self._file.fileno(), span.length, span.begin) for span in spans]
        if any(len(data) != span.length for data, span in zip(result, spans, strict=True)):
            raise broken(f"it ends before {max(span.end for span in spans)} bytes")
        return result


def _unnamed(folder: Path) -> IO[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryFile(dir=folder, buffering=0)


def _copy(response: requests.Response, into: IO[bytes], url: str, room: int) -> None:
    """Write a body into a file, unpacked if it was packed for the way."""
    size = 0
    for data in response.iter_content(_STEP):
        size += len(data)
        if size > min(LARGEST, room):
            raise ReadError(
                f"{auth.origin(url)[1]} sends whole files only, and this one is larger than "
                f"{min(LARGEST, max(room, 0)) // 2**20} MB",
                "download the product with geodes_datalab.download(), and pass that folder as archives=",
            )
        into.write(data)
