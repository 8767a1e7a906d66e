"""Where local mode keeps things: one private folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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
    def authorities(self) -> Path:
        """Certificates to trust: the public ones and the site's, where the operator names some."""
        return self.root / "authorities.pem"

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
        with self.used():
            for folder in (self.root, self.logs, self.homes, self.secrets, self.clusters):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                folder.chmod(0o700)

    @contextmanager
    def used(self) -> Iterator[None]:
        """Say in words what keeps the folder from being used meanwhile: its rights, a full disk.

        Raises
        ------
        StorageError
            In the place of Python's own errors.
        """
        try:
            yield
        except StorageError:
            raise
        except OSError as error:
            raise StorageError(
                f"the state folder {self.root} cannot be used: {error.strerror or error}",
                hint="free some space, choose another with --state-dir, or correct its owner and rights",
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
    try:
        return Layout(Path(state_dir).expanduser().resolve())
    except RuntimeError as error:  # ~somebody
        raise StorageError(
            f"the state folder {state_dir} cannot be used: there is no such user",
            hint="choose another with --state-dir",
        ) from error


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
        raise no_cache(folder, error.strerror or str(error)) from error


def no_cache(folder: Path, why: str) -> StorageError:
    """Return what to raise where a folder does not serve as the cache."""
    return StorageError(
        f"the cache folder {folder} cannot be used: {why}",
        hint="name another one in GEODES_CACHE_DIR, free some space, or correct its owner and rights",
    )
