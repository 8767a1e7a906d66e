"""What versions.toml says is to be built."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .places import Places, default_cache, default_state

FILE = Path(__file__).parents[1] / "versions.toml"


@dataclass(frozen=True)
class Module:
    """A Go module and the commands of it that the cluster needs."""

    path: str
    version: str
    binaries: dict[str, str]
    staging: str = ""
    variables: list[str] = field(default_factory=list)
    sums: list[str] = field(default_factory=list)


def modules(file: Path = FILE) -> Iterator[Module]:
    """Every module of versions.toml."""
    for entry in tomllib.loads(file.read_text(encoding="utf-8"))["module"]:
        yield Module(**entry)


def key(file: Path = FILE) -> str:
    """Name of the cache's folder: it changes whenever versions.toml does."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def default_places() -> Places:
    """The folders of the cluster that these versions make."""
    return Places(cache=default_cache() / key(), state=default_state())
