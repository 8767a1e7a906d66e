"""The gateway's end of the launcher: programs that hang, fail to start, or say nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest
from support.waiting import aeventually, minutes

from geodes_datalab.hub.gateway.slurm.launch import Launcher, LaunchError


def program(folder: Path, text: str) -> Launcher:
    path = folder / "launcher"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return Launcher((str(path),), "")


def ask(launcher: Launcher, seconds: float | None = None) -> object:
    limit = minutes(1) if seconds is None else seconds
    return asyncio.run(launcher("ada", {"action": "check"}, seconds=limit))


def test_one_that_hangs_is_an_error_that_passes(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=r"did not answer within 0\.3 s") as told:
        ask(program(tmp_path, "exec sleep 600"), 0.3)
    assert told.value.transient


def test_one_that_may_not_be_killed_keeps_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What sudo started belongs to root, and outlives us."""

    def refuse(_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(asyncio.subprocess.Process, "kill", refuse)

    async def go() -> None:
        gate = tmp_path / "gate"
        launcher = program(tmp_path, f"while [ ! -e {gate} ]; do sleep 0.1; done")
        before = psutil.Process().children()
        with pytest.raises(LaunchError, match="did not answer"):
            await launcher("ada", {"action": "check"}, seconds=0.3)  # patience: of the product
        (left,) = set(psutil.Process().children()) - set(before)
        gate.touch()  # it ends by itself

        async def ended() -> bool:
            return not left.is_running()

        await aeventually(ended, "the launcher's end is seen")

    asyncio.run(go())


def test_one_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=r"cannot be started \(No such file") as told:
        ask(Launcher((str(tmp_path / "none"),), ""))
    assert not told.value.transient


def test_silence_is_told(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=r"may not start jobs as ada \(the launcher said nothing"):
        ask(program(tmp_path, "exit 1"))
