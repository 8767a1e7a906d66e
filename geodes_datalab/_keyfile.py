"""The file of credentials: private, replaced in one step, changed by one process at a time."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from datetime import time as clock
from pathlib import Path
from typing import Any

from geodes_datalab.errors import ConfigurationError, StorageError

PATIENCE = 10.0
"""Seconds to wait for another process that changes the file: it takes milliseconds."""

Values = dict[str, Any]


def read(path: Path) -> Values:
    """Return what stands in the file; nothing where there is none.

    Raises
    ------
    ConfigurationError
        It is damaged; it is left as it is.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        # the parser's message may quote the line, and the line holds the key
        raise ConfigurationError(
            f"{path} cannot be read ({type(error).__name__})",
            hint="correct it, or put it aside and call geodes_datalab.login() again",
        ) from None


def change(path: Path, edit: Callable[[Values], Values]) -> None:
    """Replace the file's content by what a function makes of it, whole or not at all.

    Parameters
    ----------
    path
        The file; made, with its folder, where there is none. A link stays one.
    edit
        Given what stands there now, while no other process changes it.

    Raises
    ------
    ConfigurationError
        What stands there is damaged; it is left as it is.
    StorageError
        The file cannot be written; the old one, if any, is untouched.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        real = Path(os.path.realpath(path))  # a file that is kept elsewhere, by a link
        with _alone(real):
            _replace(real, _toml(edit(read(real))))
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror}",
            hint="free some space or correct the folder's rights, or set GEODES_API_KEY instead",
        ) from error


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the file's lock: that of the very file that stands there, since it is replaced."""
    deadline = time.monotonic() + PATIENCE
    while True:
        handle = _opened(path)
        try:
            if _locks(handle) and _is(path, handle):
                yield
                return
        finally:
            os.close(handle)
        if time.monotonic() > deadline:
            raise StorageError(
                f"{path} is being changed by another process for more than {PATIENCE:.0f} s",
                hint="end that process (fuser names it), then try again",
            )
        time.sleep(0.02)


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except PermissionError:  # made read-only by its owner, who may replace it all the same
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def _locks(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system that knows no locks: the step that replaces it is still one
        return True
    return True


def _is(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _replace(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(
        dir=path.parent, prefix=".credentials-"
    )  # 0600 from the start
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _toml(values: Values) -> str:
    """Write tables last: whatever follows the head of one belongs to it."""
    plain = {name: value for name, value in values.items() if not isinstance(value, dict)}
    lines = [f"{_text(name)} = {_value(value)}" for name, value in plain.items()]
    for name, value in values.items():
        if name not in plain:
            lines += ["", f"[{_text(name)}]"]
            lines += [f"{_text(inner)} = {_value(item)}" for inner, item in value.items()]
    return "".join(f"{line}\n" for line in lines)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(k)} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return value.isoformat() if isinstance(value, date | datetime | clock) else repr(value)


def _text(text: str) -> str:
    """Quote a text as TOML does, which escapes what JSON does, and one more character."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return (
        '"' + "".join(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}" for c in escaped) + '"'
    )
