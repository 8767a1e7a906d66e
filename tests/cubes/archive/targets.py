"""What is fuzzed: each parser of what a server sends, as a function of bytes.

The contract is the same for all: it returns, or raises `ArchiveError` or `Unsuited`; it reads no more
than some times what there is, in little memory and time. `test_fuzz.py` gives each a short run and
the corpus; `make fuzz` (`scripts/fuzz`) a long one, guided by coverage.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence

from geodes_datalab.cubes.archive import jp2, tileparts
from geodes_datalab.cubes.archive.codestream import packet_lengths, part_head, read_header
from geodes_datalab.cubes.archive.directory import STORED, read_directory
from geodes_datalab.cubes.archive.jp2 import Jp2
from geodes_datalab.cubes.archive.members import stored, unpack
from geodes_datalab.cubes.archive.packets import View, pieces
from geodes_datalab.cubes.archive.ranges import Kept, Span
from geodes_datalab.cubes.archive.tiff import Tiff
from geodes_datalab.cubes.archive.trouble import Unsuited
from geodes_datalab.cubes.archive.window import Window
from geodes_datalab.errors import ArchiveError, ReadError

OFTEN = 6
"""Times the length of a file that may be read of it: more is a loop."""


class Counting:
    """Bytes at hand, as a file that refuses to be read without an end."""

    def __init__(self, data: bytes) -> None:
        self.data, self.size = data, len(data)
        self._left = OFTEN * len(data) + 4096

    def parts(self, spans: Sequence[Span]) -> list[bytes]:
        assert all(0 <= span.begin <= span.end <= self.size for span in spans), spans
        self._left -= sum(span.length for span in spans)
        assert self._left >= 0, "the same bytes are read again and again"
        return [self.data[span.begin : span.end] for span in spans]


def choice(data: bytes) -> tuple[Window, int]:
    """Take a window and a level from the end of the input."""
    told = data[-5:].ljust(5, b"\0")
    left, top = told[0] * 3, told[1] * 3
    return Window(left, top, left + 1 + told[2] * 3, top + 1 + told[3] * 3), told[4] % 6


def directory(data: bytes) -> None:
    """Read the directory of an archive, and the first members in it."""
    file = Counting(data)
    entries = list(read_directory(file).entries.values())
    for entry in entries[:2]:
        with contextlib.suppress(ArchiveError, Unsuited):
            if entry.method == STORED:
                member, begins, _ = stored(file, entry)
                assert 0 <= begins <= begins + member.size <= len(data)
            unpacked = io.BytesIO()
            if entry.size <= 2**20:
                unpack(file, entry, unpacked)
                assert len(unpacked.getvalue()) == entry.size


def codestream(data: bytes) -> None:
    """Make copies with holes of a JPEG 2000 image."""
    window, level = choice(data)
    image = Jp2(Kept(Counting(data)))
    image.skeleton()
    made = image.copy(window, level).file()
    assert len(made) <= 4 * len(data) + 2**20
    Jp2(Kept(Counting(data)), image.note()).copy(window, level).file()


def packets(data: bytes) -> None:
    """Choose packets of the first tile of a codestream, which says anything of them."""
    window, level = choice(data)
    header, _ = read_header(Counting(data))
    tile = data[header.tiles_begin :]
    head = part_head(tile, len(tile))
    if head is None:
        return
    told = packet_lengths(head.segments)
    length = head.length + sum(told)  # so that the lengths are believed
    number, view = data[-1] % header.tiles, View(*window, level)
    for piece in pieces(header, number, [head], lengths=[length], view=view) or []:
        assert all(0 <= span.begin <= span.end <= length for span in piece.needed())
        assert len(piece.wanted) == len(told)


def tiff(data: bytes) -> None:
    """Make copies with holes of a GeoTIFF, and unpack their blocks."""
    window, level = choice(data)
    image = Tiff(Kept(Counting(data)))
    copy = image.copy(window, level)
    made, pixels = copy.file(), copy.pixels(window, level)
    assert pixels is None or pixels.size <= (window.right - window.left) * (
        window.bottom - window.top
    )
    assert Tiff(Kept(Counting(data)), image.note()).copy(window, level).file() == made


TARGETS: dict[str, Callable[[bytes], None]] = {
    "directory": directory,
    "codestream": codestream,
    "packets": packets,
    "tiff": tiff,
}


def attempt(name: str, data: bytes) -> bool:
    """Run a target; tell whether it took the input for sound. Any other exception is a bug."""
    try:
        TARGETS[name](data)
    except (ArchiveError, ReadError, Unsuited):
        return False
    return True


def search_in_small_files() -> None:
    """Let images of a few kilobytes be searched as large ones are."""
    tileparts.SMALL, jp2.WORTH, jp2.FEW = 0, 200, 100
