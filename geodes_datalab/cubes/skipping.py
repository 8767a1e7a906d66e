"""What cannot be read is an error; or, where the user wants that, it is left out and named.

What concerns the account (a wrong key, a used-up quota) is an error always: no file is to blame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

import numpy as np

from geodes_datalab._display import some
from geodes_datalab.cubes import notice
from geodes_datalab.errors import (
    CubeError,
    DataError,
    GeodesError,
    ProductOffline,
    RequestError,
    ServiceError,
    SkippedData,
    near,
)

OnError: TypeAlias = Literal["raise", "skip"]
"""What a file that cannot be read is."""

Offline: TypeAlias = Literal["raise", "skip"]
"""What a product on tape is."""

Care: TypeAlias = Literal["", "skip", "lost"]
"""Of a file: whether it must be read, may be missing, or is known to be."""

SKIPPED = (DataError, ProductOffline, RequestError, ServiceError)
"""Errors that one file or product is to blame for."""

MOST = 20
"""Files that a warning names, at most."""


class File(Protocol):
    """What is read."""

    @property
    def title(self) -> str:
        """Name of the product."""

    @property
    def band(self) -> str:
        """Native name of the band."""

    @property
    def care(self) -> Care:
        """Whether it must be read."""


class Skips(NamedTuple):
    """What the user wants to be left out."""

    offline: Offline = "raise"
    on_error: OnError = "raise"


class Loss(NamedTuple):
    """Something that was left out."""

    what: str
    error: GeodesError


_together: list[Loss] | None = None
_told: set[str] = set()


def asked(offline: Offline, on_error: OnError) -> Skips:
    """Return what the user wants; refuse what is neither "raise" nor "skip"."""
    known = ("raise", "skip")
    for name, value in (("offline", offline), ("on_error", on_error)):
        if value not in known:
            hint = near(str(value), known) or 'use "raise" or "skip"'
            raise CubeError(f"unknown {name}: {value!r}", hint=hint)
    return Skips(offline, on_error)


@contextmanager
def together() -> Iterator[list[Loss]]:
    """Collect what is left out meanwhile, for one warning (`warn`)."""
    global _together  # noqa: PLW0603 - threads tell as well
    former, _together = _together, []
    try:
        yield _together
    finally:
        _together = former


def tell(loss: Loss) -> None:
    """Tell of something that is left out: with others, or now and once."""
    if _together is not None:
        _together.append(loss)
    elif loss.what not in _told:
        _told.add(loss.what)
        notice.warn_from_thread(_words([loss]), SkippedData)


def warn(losses: Sequence[Loss]) -> None:
    """Warn once of all that was left out."""
    if losses:
        notice.warn(_words(losses), SkippedData)


def _words(losses: Sequence[Loss]) -> str:
    named = sorted(f"{loss.what} ({loss.error.message})" for loss in losses)
    return f"left out, so that their pixels are missing: {some(named, MOST, sign='; ')}"


def minded(file: File, read: Callable[[], Any], dtype: Any) -> Any:
    """Read a file; where it may be missing and cannot be read, it has no pixels.

    Parameters
    ----------
    file
        What is read.
    read
        Reads it: where in a grid its pixels lie, and the pixels.
    dtype
        Their type.
    """
    nothing = (slice(0, 0), slice(0, 0)), np.empty((0, 0), dtype)
    if file.care == "lost":
        return nothing
    with notice.reading():
        try:
            return read()
        except SKIPPED as error:
            if file.care != "skip":
                _advise(error)
                raise
            tell(Loss(f"band {file.band} of {file.title}", error))
            return nothing


@contextmanager
def advising(on_error: OnError) -> Iterator[None]:
    """Say in errors that what they are of could be left out."""
    try:
        yield
    except SKIPPED as error:
        if on_error == "raise":
            _advise(error)
        raise


def _advise(error: GeodesError) -> None:
    advice = 'load(..., on_error="skip") goes on without it'
    if advice not in (error.hint or ""):
        error.hint = f"{error.hint}; {advice}" if error.hint else advice


def refuse_nothing(sources: Sequence[Mapping[str, File]]) -> None:
    """Raise the first error where no file of a band can be read: there is nothing to go on with."""
    there: dict[str, bool] = {}
    for files in sources:
        for name, file in files.items():
            there[name] = there.get(name, False) or file.care != "lost"
    if _together and not all(there.values()):
        first = min(_together, key=lambda loss: (isinstance(loss.error, ProductOffline), loss.what))
        raise first.error
