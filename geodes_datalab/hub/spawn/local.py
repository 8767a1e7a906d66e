"""User servers as local processes: found again after a restart of the hub, never a stranger."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any

from jupyterhub.spawner import SimpleLocalProcessSpawner
from traitlets import Unicode

from geodes_datalab.hub import pids
from geodes_datalab.server.notebooks_sync import sync
from geodes_datalab.server.start.runtime import VARIABLE, make_profile, runtime_folder


class LocalSpawner(SimpleLocalProcessSpawner):
    """Start user servers in homes of their own, with the shipped notebooks in them.

    All servers run under the account that runs the hub: one person, or people who trust each other.
    """

    pid: int  # of SimpleLocalProcessSpawner

    notebooks = Unicode("", config=True, help="Folder of the shipped notebooks; empty: none.")
    notebooks_folder = Unicode("notebooks", config=True, help="Name of their copy in the home.")
    logs = Unicode("", config=True, help="Folder of one log per user; empty: the hub's own log.")
    started_mark = Unicode("", help="When the server's process started; see hub.pids.")

    def load_state(self, state: dict[str, Any]) -> None:
        """Find the process again; a number that another process bears by now is forgotten."""
        super().load_state(state)
        self.started_mark = state.get("started_mark", "")
        if self.pid and not pids.runs(self.pid, self.started_mark):
            self.log.info("%s: process %i is gone", self._log_name, self.pid)
            self.pid = 0

    def get_state(self) -> dict[str, Any]:
        """Return the process number and its mark."""
        state = dict(super().get_state())
        if self.pid:
            state["started_mark"] = self.started_mark
        return state

    def clear_state(self) -> None:
        """Forget the process."""
        super().clear_state()
        self.started_mark = ""

    def get_env(self) -> dict[str, str]:
        """Return the environment; a full home shall not keep kernels from starting."""
        env: dict[str, str] = super().get_env()
        return env if VARIABLE in env else {**env, **runtime_folder(self.user.name)}

    async def start(self) -> tuple[str, int]:
        """Prepare the home, then start the server."""
        await asyncio.to_thread(self._prepare_home)
        with self._log_file() as log:
            self.popen_kwargs = {"stdout": log, "stderr": log}
            address: tuple[str, int] = await super().start()
        self.started_mark = pids.started(self.pid)
        return address

    async def poll(self) -> int | None:
        """Return None while the server runs."""
        if self.proc is None and self.pid and not pids.runs(self.pid, self.started_mark):
            self.clear_state()
            return 0
        status: int | None = await super().poll()
        return status

    def _log_file(self) -> AbstractContextManager[IO[bytes] | None]:
        """Open the server's own log, so that the hub's stays readable."""
        if not self.logs:
            return nullcontext()
        return (Path(self.logs) / f"user-{self.user.name}.log").open("ab")

    def _prepare_home(self) -> None:
        home = Path(self.home_dir)
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.chmod(0o700)
        try:
            make_profile(home)
            if not self.notebooks:
                return
            report = sync(Path(self.notebooks), home / self.notebooks_folder)
        except OSError as error:  # a full disk must not keep the user out
            self.log.warning("%s: the notebooks were not copied: %s", self._log_name, error)
        else:
            self.log.info("%s: notebooks: %s", self._log_name, report)
