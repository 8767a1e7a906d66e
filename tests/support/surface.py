"""The public surface as text, a line for each name with its signature.

``python tests/support/surface.py`` writes it down anew: what is removed or changed there breaks
somebody's notebook, so it belongs into the changelog.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGES = ("", ".auth", ".compute", ".config", ".cubes", ".errors", ".hub", ".maps", ".ops", ".results", ".saving", ".stac", ".testing.fixtures")  # fmt: skip


RECORD = Path(__file__).parents[1] / "foundation" / "surface.txt"

_HOMES = re.compile(r"\bgeodes_datalab(?:\.\w+)*\.(?=\w)")
"""Where a class is defined is no part of the surface."""


def lines() -> Iterator[str]:
    """Yield what stands at the start of every name that users may import, in the order of the names."""
    for package in PACKAGES:
        module = importlib.import_module(f"geodes_datalab{package}")
        for name in sorted(names(module)):
            yield from told(f"{module.__name__}.{name}", getattr(module, name))


def names(module: ModuleType) -> list[str]:
    """Return ``__all__``, or what a module defines without an underscore."""
    own = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]
    return list(getattr(module, "__all__", own))


def told(path: str, thing: Any) -> Iterator[str]:
    """Yield a line for a function or a class, and one for each public member of a class."""
    if not inspect.isclass(thing):
        yield f"{path}{signature(thing)}"
        return
    bases = ", ".join(base.__name__ for base in thing.__bases__ if base is not object)
    yield f"class {path}({bases}){signature(thing)}"
    for name, member in sorted(vars(thing).items()):
        if name.startswith("_"):
            continue
        if isinstance(member, (staticmethod, classmethod)):
            yield f"{path}.{name}{signature(member.__func__)}"
        elif inspect.isfunction(member):
            yield f"{path}.{name}{signature(member)}"
        elif isinstance(member, property):
            yield f"{path}.{name}: property"


def signature(thing: Any) -> str:
    """Return a signature as it is written; empty where there is none."""
    if fields := getattr(thing, "model_fields", None):  # settings: their values are told elsewhere
        return f"(*, {', '.join(fields)})"
    if not callable(thing):
        return ""
    try:
        return _HOMES.sub("", str(inspect.signature(thing)))
    except (TypeError, ValueError):
        return ""


if __name__ == "__main__":
    RECORD.write_text("\n".join([*lines(), ""]), "utf-8")
