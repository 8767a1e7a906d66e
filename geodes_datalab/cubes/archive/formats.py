"""Formats of which parts are read."""

from __future__ import annotations

from geodes_datalab.cubes.archive.codestream import read_header
from geodes_datalab.cubes.archive.copies import Image
from geodes_datalab.cubes.archive.jp2 import Jp2
from geodes_datalab.cubes.archive.ranges import Bytes, part
from geodes_datalab.cubes.archive.tiff import Tiff
from geodes_datalab.cubes.archive.trouble import Changed, NoRanges, OtherKind, Unsuited
from geodes_datalab.errors import ArchiveError

FORMATS: dict[bytes, type[Jp2 | Tiff]] = {b"J": Jp2, b"T": Tiff}


def letter(image: Image) -> bytes:
    """Return the letter of an image's format."""
    return next(letter for letter, kind in FORMATS.items() if isinstance(image, kind))


def format_of(head: bytes) -> type[Jp2 | Tiff]:
    """Return the format of a file that begins with these bytes.

    Raises
    ------
    OtherKind
        It is none of them.
    """
    if head[4:8] == b"jP  " or head[:4] == b"\xff\x4f\xff\x51":
        return Jp2
    if head[:4] in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}:
        return Tiff
    raise OtherKind("it is an image of another kind")


def refuse_misread(file: Bytes) -> None:
    """Refuse what GDAL would read wrongly and say nothing; of all else, it is the judge.

    Raises
    ------
    ReadError
        It is an image that GDAL would read wrongly.
    NoRanges, Changed
        The file cannot be looked at in this way.
    """
    try:
        if format_of(part(file, 0, min(12, file.size))) is Jp2:
            read_header(file)
    except (NoRanges, Changed):
        raise
    except (ArchiveError, Unsuited):
        pass
