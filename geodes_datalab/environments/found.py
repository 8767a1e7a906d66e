"""What environments there are, and what each holds."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import Distribution, distributions
from pathlib import Path
from urllib.parse import unquote, urlsplit

from geodes_datalab.environments import record as records
from geodes_datalab.environments.building import packages_of
from geodes_datalab.environments.installing import EDITABLE
from geodes_datalab.environments.kernel import trouble
from geodes_datalab.environments.kernels import offered
from geodes_datalab.environments.names import check
from geodes_datalab.environments.record import Record, normal
from geodes_datalab.errors import OwnEnvironmentError, near

TRAVELLING = ("dask", "distributed", "cloudpickle", "msgpack")
"""Packages without which tasks cannot travel to the workers of a cluster, which have the datalab's."""

_OF_VENV = ("pip", "setuptools")
"""What Python itself puts into an environment."""


@dataclass(frozen=True)
class Other:
    """A package that stands before one of the datalab's in another version."""

    name: str
    own: str
    ours: str

    @property
    def travelling(self) -> bool:
        """Whether clusters refuse it."""
        return self.name in TRAVELLING


@dataclass(frozen=True)
class Environment:
    """One environment of the user's."""

    name: str
    folder: Path
    record: Record | None
    """None where there is none that can be read."""

    @cached_property
    def trouble(self) -> str:
        """Why it cannot be used; empty where it can."""
        moved = (
            offered(self.name) != self.folder
            and "its kernel is not in the launcher, or of another folder"
        )
        return trouble(self.folder) or moved or ""

    @property
    def cure(self) -> str:
        """What to do where it cannot be used."""
        if self.known:
            return f"geodes-datalab env renew {self.name} (makes it anew with the same packages)"
        return f"geodes-datalab env remove {self.name}, then create it with its packages"

    @property
    def known(self) -> bool:
        """Whether it can be told what it was made of: by its record, or by the packages that are in it."""
        return self.record is not None or (self.folder / "pyvenv.cfg").is_file()

    @cached_property
    def own(self) -> dict[str, str]:
        """Names and versions of the packages that it has itself."""
        return {
            normal(each.name): each.version for each in self._distributions if each.name != "pip"
        }

    @property
    def others(self) -> list[Other]:
        """The packages that it has in another version than the datalab."""
        if not self.own:
            return []
        under = reversed(
            [*distributions(path=self._below)]
        )  # the first is the one that is imported
        ours = {normal(each.name): each.version for each in under if each.name}
        pairs = [(name, version, ours.get(name, version)) for name, version in self.own.items()]
        return [Other(*pair) for pair in sorted(pairs) if pair[1] != pair[2]]

    @property
    def _below(self) -> list[str]:
        """Where its Python looks after its own packages: also what the datalab itself stands on."""
        command = [
            str(self.folder / "bin" / "python"),
            "-c",
            "import json, sys; print(json.dumps(sys.path[1:]))",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        result = json.loads(done.stdout) if done.returncode == 0 else []
        return [path for path in result if not path.startswith(str(self.folder))]

    @property
    def wanted(self) -> list[str]:
        """What was asked for: by our commands, and of pip alone."""
        asked = list(self.record.packages) if self.record else []
        names = {records.package_name(each) for each in asked}
        places = [records.place(each.removeprefix(EDITABLE)) for each in asked]
        direct = [_direct(each) for each in self._distributions if _asked_for(each)]
        return asked + [
            text
            for text in sorted(direct)
            if records.package_name(text) not in names
            and not any(item in unquote(text) for item in places)
        ]

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        files = (
            os.path.join(folder, name)  # noqa: PTH118 - many of them
            for folder, _, names in os.walk(self.folder)
            for name in names
        )
        return sum(os.lstat(file).st_size for file in files)

    @cached_property
    def _distributions(self) -> list[Distribution]:
        folders = self.folder.glob("lib/python3.*/site-packages")
        path = [packages_of(self.folder, self.record)] if self.record else sorted(folders)
        result = distributions(path=[*map(str, path)])
        return [each for each in result if each.name]


def find(name: str) -> Environment:
    """Return an environment.

    Raises
    ------
    OwnEnvironmentError
        There is none of that name.
    """
    folder = records.path_of(name)
    if name in _names():
        return Environment(name, folder, records.read(folder))
    check(name)
    known = _names()
    hint = near(name, known) or (f"there are: {', '.join(known)}" if known else "")
    raise OwnEnvironmentError(
        f"there is no environment {name!r}", hint=hint or f"geodes-datalab env create {name}"
    )


def find_all() -> list[Environment]:
    """Return all environments of the user's, by name."""
    return [find(name) for name in _names()]


def _names() -> list[str]:
    root = records.root()
    return sorted(path.name for path in root.glob("[!.]*") if path.is_dir())


def _asked_for(package: Distribution) -> bool:
    return package.name not in _OF_VENV and package.read_text("REQUESTED") is not None


def _direct(package: Distribution) -> str:
    """Return what would install a package again: its name, or the address that it came from."""
    try:
        told = json.loads(package.read_text("direct_url.json") or "{}")
    except ValueError:
        told = {}
    url, vcs = told.get("url"), told.get("vcs_info")
    if not url:
        return str(package.name)
    if told.get("dir_info", {}).get("editable"):
        return EDITABLE + unquote(urlsplit(url).path)
    if vcs:
        return f"{package.name} @ {vcs['vcs']}+{url}@{vcs['commit_id']}"
    return f"{package.name} @ {url}"
