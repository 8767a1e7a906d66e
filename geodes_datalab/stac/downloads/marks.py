"""What a downloaded file says of itself: whose it is, and which version of it lies on the server.

It is written into an extended attribute, which is made, renamed and removed with the file: a process that
is killed leaves no note without its file. Where the file system or Python has none (macOS, old network
drives), nothing is noted: files are then told apart by their names, sizes and digests, and what those do
not prove is fetched anew.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from geodes_datalab._types import Json

_NAME = "user.geodes_datalab"
_MOST = 2000
"""Bytes of a note: file systems keep 4 kB of them all."""


def read(path: Path) -> Json | None:
    """Return the note on a file; None where there is none."""
    try:
        result = json.loads(os.getxattr(path, _NAME))
    except (AttributeError, OSError, ValueError):
        return None
    return result if isinstance(result, dict) else None


def write(path: Path, note: Json) -> None:
    """Note something on a file, in place of all that was noted; an old note never stays."""
    text = json.dumps(note).encode()
    with suppress(AttributeError, OSError):
        if len(text) <= _MOST:
            os.setxattr(path, _NAME, text)
            return
    with suppress(AttributeError, OSError):
        os.removexattr(path, _NAME)
