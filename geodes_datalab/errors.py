"""Every error and warning that geodes_datalab raises, in one tree.

::

    GeodesError
    |-- ConfigurationError          a setting is wrong or missing
    |   `-- MissingDependency       an optional package is not installed
    |-- InvalidQuery                a search that cannot mean what was typed (also ValueError)
    |   |-- InvalidInput            a place, time or name that no verb can read (also CubeError)
    |   |-- UnknownCollection
    |   `-- UnknownProperty
    |-- NoSuchItem                  a search found fewer items than are counted on (also IndexError)
    |-- RemoteError                 a server did not do what was asked
    |   |-- AuthenticationError     no key, or a key that the portal refuses
    |   |-- QuotaError              the key is right, this hour's products are used up
    |   |-- RequestError            the server understood and refused (4xx)
    |   |-- ServiceError            the server failed or cannot be reached (5xx, network)
    |   |   |-- BrokeOff            an answer ended before it was whole
    |   |   `-- RateLimited         too many requests at a time (429)
    |   `-- ProductOffline          the product lies on tape
    |-- DataError                   the bytes are not what they should be
    |   |-- ChecksumError           size or MD5 differ from the catalogue's
    |   |-- AddressError            a file's address is incomplete, or of a kind that cannot be read
    |   |-- ArchiveError            an archive is broken, hostile or lacks a member
    |   |   `-- FormatChanged       a product holds other files or variables than its description
    |   `-- ReadError               a file could not be read as an image
    |-- StorageError                the disk is full or may not be written
    |-- CubeError                   a cube that cannot be built as asked (also ValueError)
    |   |-- UnknownBand
    |   `-- StoredOtherwise         numbers that are not stored in one way, or that lost their offset
    |-- PublishError                results cannot be published as asked (also ValueError)
    |   `-- LicenceRefused          no licence, or one that the inputs forbid
    |-- ClusterError                a Dask cluster could not be had
    |   `-- GatewayAway             a Dask Gateway does not answer just now
    |-- LocalModeError              the hub on this machine could not be run
    `-- OwnEnvironmentError         an environment of a user's own could not be made, changed or found

    GeodesWarning
    |-- IncompleteResult            fewer (or other) items came than the server announced
    |-- ServerQuirk                 the server misbehaved, and the library made it good
    |-- SkippedData                 products or files were left out, as asked
    |-- ValuesInDoubt               what stored numbers mean is not told, or told in two ways
    |-- CubeWarning                 a cube came, but hardly the one that was meant
    |-- OlderVersions               products were left out that a newer version replaces
    `-- ClusterWarning              a cluster came, but smaller or otherwise than asked

Each message says what happened; each ``hint`` says what to do next, and is part of ``str(error)``.

Examples
--------
>>> try:
...     raise QuotaError("all 20 products of this hour are used", hint="try again after 14:00")
... except GeodesError as error:
...     print(error)
all 20 products of this hour are used
  What to do: try again after 14:00
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from difflib import get_close_matches

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Numbers of an `OSError` that say that a disk, or the quota on it, is used up."""


class GeodesError(Exception):
    """Base of all errors of this package.

    Parameters
    ----------
    message
        What happened, in a sentence that a user of the data understands.
    hint
        What to do next.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message, hint)

    def __str__(self) -> str:
        """Return the message, and below it what to do."""
        return f"{self.message}\n  What to do: {self.hint}" if self.hint else self.message

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows: the user's line, the message and the hint."""
        from geodes_datalab import _tracebacks

        return _tracebacks.short(self)


def full() -> None:
    """Print the whole traceback of the error that was shown last."""
    from geodes_datalab import _tracebacks

    print(_tracebacks.full())  # noqa: T201  # what was asked for


class ConfigurationError(GeodesError):
    """A setting is wrong or missing."""


class MissingDependency(ConfigurationError, ImportError):
    """An optional package is needed here and is not installed."""


class InvalidQuery(GeodesError, ValueError):
    """A search that cannot mean what was typed; nothing was sent."""


class UnknownCollection(InvalidQuery):
    """No such collection."""


class UnknownProperty(InvalidQuery):
    """No such searchable property."""


class NoSuchItem(GeodesError, IndexError):
    """A search found fewer items than are counted on."""


class RemoteError(GeodesError):
    """A server did not do what was asked.

    Parameters
    ----------
    message, hint
        See `GeodesError`.
    status
        HTTP status code, where there was one.
    """

    def __init__(self, message: str, hint: str | None = None, *, status: int | None = None) -> None:
        self.status = status
        super().__init__(message, hint)


class AuthenticationError(RemoteError):
    """No API key, or one that the portal refuses."""


class QuotaError(RemoteError):
    """The key is right, but this hour's products are used up."""


class RequestError(RemoteError):
    """The server understood the request and refused it."""


class ServiceError(RemoteError):
    """The server failed or cannot be reached."""


class BrokeOff(ServiceError):
    """An answer ended before it was whole: the rest can be asked for."""


class RateLimited(ServiceError):
    """The server takes fewer requests at a time; this has nothing to do with the quota of downloads."""


class ProductOffline(RemoteError):
    """The product lies on tape and cannot be read now."""


class DataError(GeodesError):
    """The bytes are not what they should be."""


class ChecksumError(DataError):
    """Size or MD5 differ from what the catalogue says."""


class AddressError(DataError):
    """A file's address is incomplete, or of a kind that cannot be read from here."""


class ArchiveError(DataError):
    """An archive is broken, hostile, or lacks a member."""


class FormatChanged(ArchiveError):
    """A product holds other files, variables or values than products of its kind are known to hold."""


class ReadError(DataError):
    """A file could not be read as an image."""


class StorageError(GeodesError, OSError):
    """The disk is full, or may not be written."""

    def __str__(self) -> str:
        """Return the message, and below it what to do (not OSError's errno form)."""
        return GeodesError.__str__(self)


class CubeError(GeodesError, ValueError):
    """A cube that cannot be built as asked."""


class UnknownBand(CubeError):
    """No such band in these products."""


class StoredOtherwise(CubeError):
    """Stored numbers that do not mean the same throughout, or whose meaning was lost on the way."""


class PublishError(GeodesError, ValueError):
    """Results cannot be published, or not withdrawn, as was asked; nothing was changed."""


class LicenceRefused(PublishError):
    """No licence for results, or one that the inputs' licences forbid."""


class InvalidInput(InvalidQuery, CubeError):
    """A place, a time or a name that cannot be read: every verb reads them alike, and says the same."""


class ClusterError(GeodesError):
    """A Dask cluster could not be had."""


class GatewayAway(ClusterError):
    """A Dask Gateway does not answer just now: it may be restarting."""


class LocalModeError(GeodesError):
    """The hub on this machine could not be run."""


class OwnEnvironmentError(GeodesError):
    """An environment of a user's own could not be made, changed or found."""


class GeodesWarning(UserWarning):
    """Base of all warnings of this package.

    Python formats a warning to show it, and then it speaks the reader's language; ``str`` is English.
    """

    def __format__(self, how: str, /) -> str:
        """Return what is shown."""
        from geodes_datalab._language import translated

        return format(translated(str(self)), how)


class IncompleteResult(GeodesWarning):
    """Fewer (or other) items came than the server announced."""


class ServerQuirk(GeodesWarning):
    """The server misbehaved, and the library made it good."""


class SkippedData(GeodesWarning):
    """Products on tape, or files that could not be read, were left out, as the user asked."""


class ValuesInDoubt(GeodesWarning):
    """What stored numbers mean is not told, or told in two ways that contradict each other."""


class CubeWarning(GeodesWarning):
    """A cube came as asked, but hardly the one that was meant."""


class OlderVersions(GeodesWarning):
    """Products were left out that a newer version of the same acquisition replaces."""


class ClusterWarning(GeodesWarning):
    """A cluster came, but smaller or otherwise than asked."""


def near(word: str, known: Iterable[str], *, count: int = 3) -> str:
    """Return a phrase that names the known words nearest to a mistyped one.

    Parameters
    ----------
    word
        What was typed.
    known
        The words that would have been right.
    count
        How many to name.

    Returns
    -------
    str
        ``'did you mean "a" or "b"?'``, or ``""`` where nothing is near.

    Examples
    --------
    >>> near("eo:cloudcover", ["eo:cloud_cover", "platform"])
    'did you mean "eo:cloud_cover"?'
    """
    by_fold = {name.casefold(): name for name in known}
    result = get_close_matches(word.casefold(), by_fold, n=count, cutoff=0.55)
    if not result:
        return ""
    return "did you mean " + " or ".join(f'"{by_fold[name]}"' for name in result) + "?"
