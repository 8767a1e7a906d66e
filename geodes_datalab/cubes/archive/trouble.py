"""What can go wrong with an archive, and the sign that this package is not the one to read it."""

from __future__ import annotations

from geodes_datalab.errors import ArchiveError


class Unsuited(Exception):
    """The bytes are of a kind that is not read by ranges here; GDAL reads them as it always did."""


class OtherKind(Unsuited):
    """The member is no image of which parts can be read: all of it is needed."""


class NoRanges(Unsuited):
    """The server sends whole files only."""


class Changed(Unsuited):
    """The file is another one than the one whose directory is known."""


def damaged(name: str) -> ArchiveError:
    """Return the error for a member that does not have its checksum.

    Parameters
    ----------
    name
        Of the member.
    """
    return broken(f"{name!r} does not have the bytes that its checksum is of")


def broken(what: str) -> ArchiveError:
    """Return the error for an archive that is damaged or made to harm.

    Parameters
    ----------
    what
        What was found, as part of a sentence.
    """
    return ArchiveError(
        f"the archive is broken: {what}",
        hint="try again; if it stays so, report the product to the portal's support",
    )
