"""Where local mode keeps things: one private folder."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from geodes_datalab.config import load
from geodes_datalab.errors import StorageError


@dataclass(frozen=True)
class Layout:
    """Names of everything below the state folder; nothing is made before `make`."""

    root: Path

    @property
    def logs(self) -> Path:
        """One file per part."""
        return self.root / "logs"

    @property
    def homes(self) -> Path:
        """One folder per user: what users write is here, and nowhere else."""
        return self.root / "homes"

    @property
    def secrets(self) -> Path:
        """Passwords and tokens, one file each, 0600."""
        return self.root / "secrets"

    @property
    def clusters(self) -> Path:
        """Working folders of Dask clusters."""
        return self.root / "clusters"

    @property
    def hub_database(self) -> Path:
        """JupyterHub's users, servers and tokens."""
        return self.root / "hub.sqlite"

    @property
    def gateway_database(self) -> Path:
        """Dask clusters of the present run."""
        return self.root / "gateway.sqlite"

    @property
    def hpda_database(self) -> Path:
        """Dask clusters on the HPC, which outlive a crash of their gateway."""
        return self.root / "hpda.sqlite"

    @property
    def hpda_settings(self) -> Path:
        """What the HPC's gateway is started with."""
        return self.root / "hpda.json"

    @property
    def settings(self) -> Path:
        """What the parts are started with (generated at each start)."""
        return self.root / "settings.json"

    @property
    def runtime(self) -> Path:
        """What runs now."""
        return self.root / "runtime.json"

    @property
    def lock(self) -> Path:
        """Held by the one process that supervises."""
        return self.root / "lock"

    @property
    def instance(self) -> str:
        """Mark in the environment of every process that belongs to this folder."""
        return str(self.root)

    def log(self, part: str) -> Path:
        """Return the log file of a part."""
        return self.logs / f"{part}.log"

    def make(self) -> None:
        """Make the folders, closed to other accounts.

        Raises
        ------
        StorageError
            A folder cannot be made or closed.
        """
        try:
            for folder in (self.root, self.logs, self.homes, self.secrets, self.clusters):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                folder.chmod(0o700)
        except OSError as error:
            raise StorageError(
                f"the state folder {self.root} cannot be used: {error.strerror}",
                hint="choose another with --state-dir, or correct its owner and rights",
            ) from error


def layout(state_dir: str | Path | None = None) -> Layout:
    """Return the layout of a state folder.

    Parameters
    ----------
    state_dir
        The folder; by default ``$XDG_STATE_HOME/geodes-datalab`` (``~/.local/state`` ...).
    """
    if state_dir is None:
        base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        state_dir = Path(base) / "geodes-datalab"
    return Layout(Path(state_dir).expanduser().resolve())


def make_cache() -> Path:
    """Make the folder of what is fetched or packed once, and return it.

    Raises
    ------
    StorageError
        It cannot be made, or nothing can be written there.
    """
    folder = Path(load().cache_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        raise StorageError(
            f"the cache folder {folder} cannot be used: {error.strerror}",
            hint="name another one in GEODES_CACHE_DIR, or correct its owner and rights",
        ) from error
