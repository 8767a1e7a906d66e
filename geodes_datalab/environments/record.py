"""Where environments lie, and what each remembers of how it was made."""

from __future__ import annotations

import json
import os
import re
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from geodes_datalab import __version__
from geodes_datalab.environments.kernel import RECORD

_LEADING = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?=\s*(?:$|[\[<>=!~;@ ]))")
_EXTRAS = re.compile(r"\[[\w\s.,-]*\]$")
_CREDENTIALS = re.compile(r"://[^/\s@]*@")


def root() -> Path:
    """Return the folder of the user's environments (``XDG_DATA_HOME`` moves it)."""
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data) / "geodes-datalab" / "environments"


def path_of(name: str) -> Path:
    """Return the folder of one environment."""
    return root() / name


@dataclass(frozen=True)
class Record:
    """What an environment was made of."""

    packages: tuple[str, ...]
    """What was asked for, as it was written."""
    python: str
    """Its Python, such as ``3.13``: packages of another one do not work."""
    base: tuple[str, ...]
    """The folders of packages that it stands on."""
    prefix: str
    """The environment that these belong to."""
    version: str = __version__
    """Of geodes-datalab that made it."""

    def asked(self, packages: Iterable[str]) -> Record:
        """Return the same with more packages; the newer wish for a package replaces the older one."""
        kept = {_key(each): each for each in self.packages}
        for each in packages:
            kept.pop(_key(each), None)
            kept[_key(each)] = each
        return replace(self, packages=tuple(kept.values()))

    def write(self, folder: Path) -> None:
        """Write it into an environment: from then on this one is whole."""
        temporary = folder / f".{RECORD}"
        temporary.touch(0o600)  # an address may hold a token
        temporary.write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")
        temporary.replace(folder / RECORD)


def here() -> Record:
    """Return the record of an environment, without packages, that would be made by this Python.

    A Python that itself is an environment's makes others beside it, on what it stands on.
    """
    if (inner := read(Path(sys.prefix))) is not None:
        return replace(inner, packages=())
    paths = dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Record((), python, tuple(paths), sys.prefix)


def read(folder: Path) -> Record | None:
    """Return the record of an environment; None where there is none that can be read."""
    try:
        result: dict[str, Any] = json.loads((folder / RECORD).read_text("utf-8"))
        return Record(
            packages=tuple(map(str, result["packages"])),
            python=str(result["python"]),
            base=tuple(map(str, result["base"])),
            prefix=str(result["prefix"]),
            version=str(result.get("version", "")),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def package_name(requirement: str) -> str:
    """Return the name in a requirement, in the form in which names are compared; empty for addresses.

    Examples
    --------
    >>> package_name("My_Package[extra]>=1"), package_name("git+https://host/one"), package_name("./folder")
    ('my-package', '', '')
    """
    result = _LEADING.match(requirement.strip())
    return normal(result.group()) if result else ""


def place(requirement: str) -> str:
    """Return a path or an address without the extras that are asked for.

    Examples
    --------
    >>> place("./folder[dev]"), place(".")
    ('./folder', '.')
    """
    return _EXTRAS.sub("", requirement)


def shown(requirement: str) -> str:
    """Return a requirement as it may be read by others: without the name and the token in an address.

    Examples
    --------
    >>> shown("git+https://me:token@host/one.git"), shown("one>=2")
    ('git+https://****@host/one.git', 'one>=2')
    """
    return _CREDENTIALS.sub("://****@", requirement)


def normal(name: str) -> str:
    """Return a package's name in the form in which names are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _key(requirement: str) -> str:
    return package_name(requirement) or place(requirement)
