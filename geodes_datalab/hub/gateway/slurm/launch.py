"""Speak to the launcher, which acts under the users' accounts."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

AT_ONCE = 8
"""Launchers at a time: each is a process of sudo, one of Python and one of Slurm."""

SECONDS = 120.0
"""How long one may take; Slurm's own commands wait for a controller that restarts."""

_AWAY = re.compile(
    "unable to contact|socket timed out|connection refused|transport endpoint|zero bytes|"
    "temporarily unable|connect failure",
    re.IGNORECASE,
)


class LaunchError(Exception):
    """What was asked for did not happen, with the reason in words for the user."""

    def __init__(self, text: str, *, transient: bool = False) -> None:
        super().__init__(text)
        self.transient = transient
        """Whether it may work in a minute."""


@dataclass
class Launcher:
    """Starts the launcher, one request each."""

    command: tuple[str, ...]
    """Its path."""
    sudo: str
    """Path of sudo; empty: everything runs under this process's own account."""
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def __call__(
        self, account: str, request: Mapping[str, Any], *, seconds: float = SECONDS
    ) -> dict[str, Any]:
        """Have a request carried out under an account, and return the answer.

        Parameters
        ----------
        account
            A Unix account.
        request
            As the launcher understands it.
        seconds
            How long it may take.

        Raises
        ------
        LaunchError
            It was refused, by the launcher or by Slurm, or nobody answered.
        """
        async with self._turn:
            process = await self._started(account)
            try:
                async with asyncio.timeout(seconds):
                    out, err = await process.communicate(json.dumps(request).encode())
            except TimeoutError:
                with suppress(ProcessLookupError, PermissionError):  # sudo is root by now
                    process.kill()
                    await process.wait()
                text = f"Slurm's commands did not answer within {seconds:g} s"
                raise LaunchError(text, transient=True) from None
        return _answer(out.decode("utf-8", "replace"), err.decode("utf-8", "replace"), account)

    async def _started(self, account: str) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                *self._words(account),
                env={},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd="/",
            )
        except OSError as error:
            text = (
                f"the launcher cannot be started ({error.strerror}): tell the HPC's administrator"
            )
            raise LaunchError(text) from error

    def _words(self, account: str) -> list[str]:
        if not self.sudo:
            return list(self.command)
        return [self.sudo, "-n", "-H", "-u", account, "--", *self.command]


def _answer(out: str, err: str, account: str) -> dict[str, Any]:
    try:
        told = json.loads(out)
    except ValueError:
        raise LaunchError(
            f"the gateway may not start jobs as {account} "
            f"({err.strip()[-200:] or 'the launcher said nothing'}): tell the HPC's administrator"
        ) from None
    if told.get("ok"):
        return dict(told)
    text = str(told.get("error"))
    if told.get("kind") == "slurm":
        away = _AWAY.search(text) is not None
        raise LaunchError(f"Slurm refused: {_last(text)}", transient=away)
    raise LaunchError(f"the launcher refused: {text}")


def _last(text: str) -> str:
    """Return the telling line of sbatch's complaint."""
    lines = [line.split("error:", 1)[-1].strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else text
