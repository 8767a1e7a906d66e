"""Passwords and tokens of local mode: made once, in files that only their owner reads."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from geodes_datalab.errors import StorageError
from geodes_datalab.local.layout import Layout

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is mistaken for another when typed


def password(groups: int = 4) -> str:
    """Return a password that can be read out in a workshop (about 20 bits per group)."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(groups))


def token() -> str:
    """Return 64 random hexadecimal digits."""
    return secrets.token_hex(32)


def encryption_key() -> str:
    """Return 32 random bytes in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


MAKERS: dict[str, Callable[[], str]] = {
    "password": password,
    "admin-password": lambda: password(8),  # JupyterHub asks for 32 characters
    "cookie-secret": token,
    "proxy-token": token,
    "gateway-token": token,
    "gateway-proxy-token": token,
    "gateway-encryption-key": encryption_key,
    "culler-token": token,
    "hpda-token": token,
    "hpda-proxy-token": token,
    "hpda-encryption-key": encryption_key,
}
"""Secrets that a state folder keeps, so that sessions outlive a restart."""


def ensure(layout: Layout) -> None:
    """Make the secrets that are missing."""
    for name, make in MAKERS.items():
        if not path(layout, name).is_file():
            write(layout, name, make())


def path(layout: Layout, name: str) -> Path:
    """Return the file of a secret."""
    return layout.secrets / name


def read(layout: Layout, name: str) -> str:
    """Return a secret."""
    return path(layout, name).read_text("utf-8").strip()


def write(layout: Layout, name: str, text: str) -> Path:
    """Store a secret, 0600 from its first byte.

    Raises
    ------
    StorageError
        It cannot be written; an older one is untouched.
    """
    target = path(layout, name)
    temporary = target.with_name(f".{name}-{secrets.token_hex(4)}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text + "\n")
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StorageError(
            f"{target} cannot be written: {error.strerror}",
            hint="free some space, or choose another folder with --state-dir",
        ) from error
    return target
