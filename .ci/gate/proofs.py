"""Proofs by content: a tier that passed is not run again while nothing has changed that it hangs on.

A proof is a small file, ``<folder>/<tier>/<key>``. The key is a checksum of everything that the verdict may
depend on: the content of the files (of the tree, committed or not), the tier's own row, the Python,
the versions of the Debian packages that it uses, the kind of machine.

Long tiers leave a record in the tree as well (``.ci/proofs/<tier>.json``): it goes with every clone, and
says when they last passed, be it on an older tree.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from gate import keeping, packages
from gate.tiers import Tier

RECORDS = Path(".ci/proofs")


@dataclass(frozen=True)
class Proof:
    """Where and when a tier passed."""

    commit: str
    """All 40 digits of the commit; with a ``+`` where the tree held more than it."""
    date: str
    seconds: float
    machine: str
    second: tuple[str, ...] = ()
    """Files of tests that passed at the second try only."""

    def __str__(self) -> str:
        again = f", {', '.join(self.second)} at the second try" if self.second else ""
        commit = self.commit[:9] + "+" * self.commit.endswith("+")
        return f"proved at {commit}, {self.date} ({self.seconds:.0f} s{again})"


@dataclass(frozen=True)
class Proofs:
    """The proofs of a machine, for one repository.

    Parameters
    ----------
    folder
        Where they are kept.
    root
        The repository.
    ignored
        Whether all tiers are run whatever was proved; new proofs are still kept.
    """

    folder: Path
    root: Path
    ignored: bool = False

    def find(self, tier: Tier, key: str) -> Proof | None:
        """Return the proof of a tier for a key; none where it is to be run."""
        return None if self.ignored or not tier.proved else _read(self._file(tier, key))

    def keep(self, tier: Tier, key: str, seconds: float, second: tuple[str, ...] = ()) -> None:
        """Keep the proof that a tier passed; none if the tree has changed since it began.

        Parameters
        ----------
        tier
            Which.
        key
            Its key when it began.
        seconds
            How long it took.
        second
            Files of tests that passed at the second try.
        """
        if not tier.proved or key != self.key(tier):
            return
        date = time.strftime("%Y-%m-%d", time.gmtime())
        proof = Proof(self.commit(), date, round(seconds), platform.platform(), second)
        keeping.keep(self._file(tier, key), asdict(proof))

    def record(self, tier: Tier, key: str) -> None:
        """Write the proof of a long tier into the tree, to be committed; not the machine's name."""
        if proof := _read(self._file(tier, key)):
            kind = f"{os.cpu_count()} cores, {platform.machine()}"
            file = self.root / RECORDS / f"{tier.verb}.json"
            keeping.keep(file, asdict(replace(proof, machine=kind)))

    def recorded(self, tier: Tier) -> tuple[Proof, int | None] | None:
        """Return the record of a long tier, and by how many commits the tree is ahead of it.

        None for the number: the clone's history does not reach that far.
        """
        proof = _read(self.root / RECORDS / f"{tier.verb}.json")
        if proof is None:
            return None
        since = f"{proof.commit.rstrip('+')}..HEAD"
        try:
            return proof, int(self._git("rev-list", "--count", since))
        except (subprocess.CalledProcessError, ValueError):
            return proof, None

    def key(self, tier: Tier) -> str:
        """Return the checksum of all that the verdict may depend on; empty: nothing proves it."""
        if not tier.proved:
            return ""
        found = hashlib.sha256()
        for line in self._lines(tier):
            found.update(f"{line}\n".encode())
        return found.hexdigest()

    def commit(self) -> str:
        """Return the commit, with a ``+`` where the tree holds more."""
        changed = self._git("status", "--porcelain").strip()
        return self._git("rev-parse", "HEAD").strip() + ("+" if changed else "")

    def _file(self, tier: Tier, key: str) -> Path:
        return self.folder / tier.verb / key

    def _lines(self, tier: Tier) -> Iterator[str]:
        yield repr(tier)
        yield self._python(tier)
        yield platform.machine()
        for name in tier.packages:
            yield f"{name} {packages.version(name)}"
        for path in self._files():
            if tier.hangs_on(path) and (self.root / path).is_file():
                yield f"{path} {hashlib.sha256((self.root / path).read_bytes()).hexdigest()}"

    def _files(self) -> list[str]:
        listed = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        return sorted(filter(None, self._git(*listed).split("\0")))

    def _git(self, *arguments: str) -> str:
        command = ["git", *arguments]
        return subprocess.run(
            command, cwd=self.root, capture_output=True, text=True, check=True
        ).stdout

    def _python(self, tier: Tier) -> str:
        """Return the version of the Python that the scripts find for it."""
        command = ["sh", "-c", '. scripts/lib.sh; find_python; "$PYTHON" -VV']
        chosen = {"PYTHON_VERSIONS": tier.python} if tier.python else {}
        told = subprocess.run(
            command,
            cwd=self.root,
            env=os.environ | chosen,
            capture_output=True,
            text=True,
            check=False,
        )
        return told.stdout


def _read(file: Path) -> Proof | None:
    with suppress(OSError, ValueError, TypeError):  # none, or half a file
        told = dict(json.loads(file.read_text("utf-8")))
        return Proof(**(told | {"second": tuple(told.get("second", ()))}))
    return None
