"""Proofs by content: a tier that passed is not run again while nothing has changed that it hangs on.

A proof is a small file, ``<folder>/<tier>/<key>.json``. The key is a checksum of everything that the verdict
may depend on: the content of the files (of the tree, committed or not), the tier's own row, the Python,
the versions of the Debian packages that it uses, the kind of machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from gate import packages
from gate.tiers import Tier


@dataclass(frozen=True)
class Proof:
    """Where and when a tier passed."""

    commit: str
    """The commit; with a ``+`` where the tree held more than it."""
    date: str
    seconds: float
    machine: str

    def __str__(self) -> str:
        return f"proved at {self.commit}, {self.date} ({self.seconds:.0f} s)"


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

    def find(self, tier: Tier) -> Proof | None:
        """Return the proof of a tier on what the tree holds now."""
        if self.ignored or not tier.proved:
            return None
        try:
            return Proof(**json.loads(self._file(tier).read_text("utf-8")))
        except (OSError, ValueError, TypeError):  # none, or half a file: it is run
            return None

    def keep(self, tier: Tier, key: str, seconds: float) -> None:
        """Keep the proof that a tier passed; none if the tree has changed since it began.

        Parameters
        ----------
        tier
            Which.
        key
            Its key when it began.
        seconds
            How long it took.
        """
        if not tier.proved or key != self.key(tier):
            return
        date = time.strftime("%Y-%m-%d", time.gmtime())
        proof = Proof(self._commit(), date, round(seconds), platform.platform())
        file = self.folder / tier.verb / f"{key}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(asdict(proof)) + "\n", "utf-8")
        part.replace(file)

    def key(self, tier: Tier) -> str:
        """Return the checksum of all that the verdict may depend on."""
        found = hashlib.sha256()
        for line in self._lines(tier):
            found.update(f"{line}\n".encode())
        return found.hexdigest()

    def _file(self, tier: Tier) -> Path:
        return self.folder / tier.verb / f"{self.key(tier)}.json"

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

    def _commit(self) -> str:
        changed = self._git("status", "--porcelain").strip()
        return self._git("rev-parse", "--short=9", "HEAD").strip() + ("+" if changed else "")

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
