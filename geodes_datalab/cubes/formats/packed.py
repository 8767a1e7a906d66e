"""Files that gzip may have packed: it lets nothing be read from the middle, so that they are unpacked whole."""

from __future__ import annotations

import gzip
import io
from typing import BinaryIO, cast

from geodes_datalab.cubes.formats.files import ProductFiles

LARGEST = 2 * 2**30
"""Bytes of an unpacked file, at most."""

_MAGIC = b"\x1f\x8b"


def plain(files: ProductFiles, name: str, largest: int = LARGEST) -> BinaryIO:
    """Open a file, unpacked where it is packed.

    Parameters
    ----------
    files, name
        The product, and the file in it.
    largest
        Bytes that it may unpack to.

    Raises
    ------
    ReadError
        It is packed, and damaged.
    FormatChanged
        It unpacks to more.
    """
    stream = cast("BinaryIO", files.stream(name))
    packed = stream.read(len(_MAGIC)) == _MAGIC
    stream.seek(0)
    if not packed:
        return stream
    with stream, gzip.GzipFile(fileobj=stream) as source:
        try:
            content = source.read(largest + 1)
        except (OSError, EOFError) as error:
            raise files.damaged(name, f"is packed by gzip, and broken: {error}") from error
    if len(content) > largest:
        raise files.changed(f"unpacks {name} to more than {largest} bytes")
    return io.BytesIO(content)
