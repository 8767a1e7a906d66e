"""Which version of a file a server sends: an unfinished file is gone on with by that version alone."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime

from urllib3.response import HTTPResponse

from geodes_datalab._http import content_range
from geodes_datalab._types import Json
from geodes_datalab.errors import ServiceError

_AS_IT_IS = ("", "identity")
_PACKED = (".gz", ".tgz", ".svgz")
"""How names of files end that are gzip by themselves."""


@dataclass(frozen=True)
class Version:
    """What a server says of a file, as far as it tells two versions apart for certain."""

    etag: str | None = None
    """Strong only: files with one weak tag may differ in their bytes."""
    modified: str | None = None
    """Where it was a second before the answer at least: within a second it may be changed again."""
    total: int | None = None
    """Bytes of the whole file."""

    @classmethod
    def of(cls, headers: Mapping[str, str], status: int) -> Version:
        """Read it from an answer; what is packed for the way is another thing than the file."""
        if headers.get("Content-Encoding", "") not in _AS_IT_IS:
            return cls()
        told = content_range(headers) if status == 206 else None
        length = headers.get("Content-Length", "")
        whole = int(length) if length.isdigit() and status == 200 else None
        etag, modified = headers.get("ETag", ""), headers.get("Last-Modified")
        return cls(
            etag if etag.startswith('"') else None,
            modified if _settled(modified, headers.get("Date")) else None,
            told[2] if told else whole,
        )

    @classmethod
    def noted(cls, note: Json | None) -> Version:
        """Read it from the note on an unfinished file."""
        etag, modified, total = map((note or {}).get, ("etag", "modified", "total"))
        return cls(
            etag if isinstance(etag, str) else None,
            modified if isinstance(modified, str) else None,
            total if isinstance(total, int) else None,
        )

    @property
    def certain(self) -> bool:
        """Whether another version would be noticed."""
        return bool(self.etag or self.modified)

    @property
    def condition(self) -> dict[str, str]:
        """The header by which a server sends the rest of this version, or all of another."""
        told = self.etag or self.modified
        return {"If-Range": told} if told else {}

    def note(self) -> Json:
        """Return what is noted."""
        return {"etag": self.etag, "modified": self.modified, "total": self.total}

    def goes_on(self, answer: Version) -> bool:
        """Tell whether an answer is of the same version."""
        if self.total is not None and answer.total is not None and self.total != answer.total:
            return False
        if self.etag:
            return self.etag == answer.etag
        return bool(self.modified) and self.modified == answer.modified


def keeps_packing(headers: Mapping[str, str], name: str, size: int | None) -> bool | None:
    """Tell whether the file itself is what came packed; None where it did not come so.

    Some servers call a file that is gzip by itself packed for the way.

    Raises
    ------
    ServiceError
        It is packed in a way that cannot be undone.
    """
    packing = headers.get("Content-Encoding", "").strip().lower()
    if packing in _AS_IT_IS:
        return None
    if size is not None and headers.get("Content-Length") == str(size):
        return True
    if not all(item.strip() in HTTPResponse.CONTENT_DECODERS for item in packing.split(",")):
        raise ServiceError(
            f"the server sent {name} packed ({packing}), which was not asked for and cannot be undone",
            "tell the archive's helpdesk",
            status=502,
        )
    return size is None and "gzip" in packing and name.lower().endswith(_PACKED)


def _settled(modified: str | None, date: str | None) -> bool:
    with suppress(TypeError, ValueError):
        if modified and date:
            since: timedelta = parsedate_to_datetime(date) - parsedate_to_datetime(modified)
            return since >= timedelta(seconds=1)
    return False
