"""The OpenJPEG that GDAL brings along, asked for a rectangle of an image.

GDAL decodes whole tiles, OpenJPEG can decode those code-blocks only that a rectangle needs. It is the very
library that GDAL is linked with, so its pixels are GDAL's. Whatever it has to say but that all is well
means that nothing is returned: GDAL then reads, and judges.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from geodes_datalab.cubes.archive import bundled

_NAMES = ("libopenjp2.so.7", "libopenjp2.7.dylib", "openjp2.dll")
_OLDEST = (2, 4)
_CODESTREAM = 0
_PARAMETERS = 64 * 1024
"""Bytes for the parameters of a decoder, of which none is set here: some 8 kB are needed."""

_STEP = 2**20
_NO_MORE = ctypes.c_size_t(-1).value
_DECODED = re.compile(rb"Tile (\d+)/\d+ has been decoded")


class _Component(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_uint32) for name in (
            "dx", "dy", "width", "height", "x0", "y0", "bits", "bpp", "signed", "levels", "factor",
        )),
        ("data", ctypes.POINTER(ctypes.c_int32)),
        ("alpha", ctypes.c_uint16),
    ]  # fmt: skip


class _Image(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_uint32) for name in ("x0", "y0", "x1", "y1", "count")),
        ("colours", ctypes.c_int),
        ("components", ctypes.POINTER(_Component)),
        ("profile", ctypes.c_void_p),
        ("profile_length", ctypes.c_uint32),
    ]  # fmt: skip


_Handle, _Pointer, _Whole = ctypes.c_void_p, ctypes.POINTER(_Image), ctypes.c_int32
_Read = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)
_Skip = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
_Seek = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int64, ctypes.c_void_p)
_Say = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_void_p)

_FUNCTIONS: bundled.Functions = {
    "opj_version": (ctypes.c_char_p, []),
    "opj_stream_create": (_Handle, [ctypes.c_size_t, ctypes.c_int]),
    "opj_stream_destroy": (None, [_Handle]),
    "opj_stream_set_read_function": (None, [_Handle, _Read]),
    "opj_stream_set_skip_function": (None, [_Handle, _Skip]),
    "opj_stream_set_seek_function": (None, [_Handle, _Seek]),
    "opj_stream_set_user_data": (None, [_Handle, ctypes.c_void_p, ctypes.c_void_p]),
    "opj_stream_set_user_data_length": (None, [_Handle, ctypes.c_uint64]),
    "opj_create_decompress": (_Handle, [ctypes.c_int]),
    "opj_destroy_codec": (None, [_Handle]),
    "opj_set_default_decoder_parameters": (None, [ctypes.c_void_p]),
    "opj_setup_decoder": (ctypes.c_int, [_Handle, ctypes.c_void_p]),
    "opj_set_info_handler": (ctypes.c_int, [_Handle, _Say, ctypes.c_void_p]),
    "opj_set_warning_handler": (ctypes.c_int, [_Handle, _Say, ctypes.c_void_p]),
    "opj_set_error_handler": (ctypes.c_int, [_Handle, _Say, ctypes.c_void_p]),
    "opj_read_header": (ctypes.c_int, [_Handle, _Handle, ctypes.POINTER(_Pointer)]),
    "opj_set_decoded_resolution_factor": (ctypes.c_int, [_Handle, ctypes.c_uint32]),
    "opj_set_decode_area": (ctypes.c_int, [_Handle, _Pointer, _Whole, _Whole, _Whole, _Whole]),
    "opj_decode": (ctypes.c_int, [_Handle, _Handle, _Pointer]),
    "opj_image_destroy": (None, [_Pointer]),
}


def decode(
    code: npt.NDArray[np.uint8],
    box: tuple[int, int, int, int],
    tiles: Collection[int],
    level: int = 0,
) -> npt.NDArray[np.uint8 | np.uint16] | None:
    """Decode a rectangle of a codestream of one component.

    Parameters
    ----------
    code
        The codestream (bytes).
    box
        Left, top, right and bottom on the reference grid, all but the last two multiples of ``2**level``.
    tiles
        Numbers of the tiles that the rectangle touches: all of them must be found.
    level
        How often the image is halved.

    Returns
    -------
    numpy.ndarray or None
        Pixels (y, x), unsigned, of 8 or 16 bits; None where there is no OpenJPEG, or it reports anything.
    """
    library = _library()
    if library is None:
        return None
    said: list[bytes] = []
    worries: list[bytes] = []
    with ExitStack() as stack:
        stream = stack.enter_context(_stream(library, code))
        codec = stack.enter_context(_codec(library, said.append, worries.append))
        image = _Pointer()
        stack.callback(library.opj_image_destroy, image)  # which does nothing without one
        fine = (
            library.opj_read_header(stream, codec, ctypes.byref(image))
            and library.opj_set_decoded_resolution_factor(codec, level)
            and library.opj_set_decode_area(codec, image, *box)
            and library.opj_decode(codec, stream, image)
        )
        decoded = {int(item[1]) - 1 for item in map(_DECODED.search, said) if item}
        if not fine or worries or decoded != set(tiles):
            return None
        left, top, right, bottom = (-(-side >> level) for side in box)
        return _pixels(image.contents, right - left, bottom - top)


def _pixels(image: Any, width: int, height: int) -> npt.NDArray[np.uint8 | np.uint16] | None:
    """Copy the pixels out of OpenJPEG's memory."""
    item = image.components[0]
    usual = image.count == 1 and not item.signed and 1 < item.bits <= 16 and item.data
    if not usual or (item.width, item.height) != (width, height):
        return None
    result = np.ctypeslib.as_array(item.data, (item.height, item.width))
    return result.astype(np.uint8 if item.bits <= 8 else np.uint16)


class _Memory:
    """Bytes that OpenJPEG reads as it reads a file."""

    def __init__(self, data: npt.NDArray[np.uint8]) -> None:
        self._data = data  # kept, since only its address is read
        self._size, self._begins, self._place = data.size, data.ctypes.data, 0

    def read(self, into: int, most: int, _: object) -> int:
        """Copy what comes next, and return how many bytes that are."""
        count = min(most, self._size - self._place)
        if count <= 0:
            return _NO_MORE
        ctypes.memmove(into, self._begins + self._place, count)
        self._place += count
        return count

    def skip(self, count: int, _: object) -> int:
        """Move on, and return by how much; -1 where that is impossible."""
        before, self._place = self._place, min(max(self._place + count, 0), self._size)
        return self._place - before if self._place != before else -1

    def seek(self, where: int, _: object) -> int:
        """Move, and tell whether that was possible."""
        self._place = min(max(where, 0), self._size)
        return int(self._place == where)


@contextmanager
def _stream(library: Any, code: npt.NDArray[np.uint8]) -> Iterator[int]:
    """Let OpenJPEG read from memory."""
    memory = _Memory(code)
    functions = (_Read(memory.read), _Skip(memory.skip), _Seek(memory.seek))  # must outlive it
    stream = library.opj_stream_create(_STEP, 1)
    try:
        library.opj_stream_set_read_function(stream, functions[0])
        library.opj_stream_set_skip_function(stream, functions[1])
        library.opj_stream_set_seek_function(stream, functions[2])
        library.opj_stream_set_user_data(stream, None, None)
        library.opj_stream_set_user_data_length(stream, code.size)
        yield stream
    finally:
        library.opj_stream_destroy(stream)


@contextmanager
def _codec(
    library: Any, say: Callable[[bytes], None], worry: Callable[[bytes], None]
) -> Iterator[int]:
    """Make a decoder that tells what it does, and what worries it."""
    told, worried = _Say(lambda text, _: say(text)), _Say(lambda text, _: worry(text))
    parameters = ctypes.create_string_buffer(_PARAMETERS)
    library.opj_set_default_decoder_parameters(parameters)
    codec = library.opj_create_decompress(_CODESTREAM)
    try:
        library.opj_set_info_handler(codec, told, None)
        library.opj_set_warning_handler(codec, worried, None)
        library.opj_set_error_handler(codec, worried, None)
        if not library.opj_setup_decoder(codec, parameters):
            worry(b"no decoder")
        yield codec
    finally:
        library.opj_destroy_codec(codec)


@lru_cache(maxsize=1)
def _library() -> Any | None:
    for result in bundled.libraries("*openjp2*", _NAMES, _FUNCTIONS):
        version = tuple(int(item) for item in result.opj_version().split(b".")[:2])
        if version[0] == _OLDEST[0] and version >= _OLDEST:
            return result
    return None
