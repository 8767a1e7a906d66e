"""Processes of a state folder are found by their mark, however young they are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from support.waiting import eventually

from geodes_datalab.local import family

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


def test_what_was_born_a_moment_ago_is_found(tmp_path: Path) -> None:
    environment = {**os.environ, family.VARIABLE: str(tmp_path)}
    for _ in range(20):
        with subprocess.Popen(SLEEP, env=environment) as young:
            try:
                assert family.end(str(tmp_path), grace=5.0) == 1
                assert not family.members(str(tmp_path))
            finally:
                young.kill()


def test_a_process_without_environment_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(family, "BIRTH_SECONDS", 1e9)
    with subprocess.Popen(SLEEP, env={}) as bare:
        try:
            eventually(psutil.Process(bare.pid).cmdline, "its arguments")
            assert not family.members(str(tmp_path))
        finally:
            bare.kill()


def test_what_stays_unborn_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(family, "BIRTH_SECONDS", 0.01)
    monkeypatch.setattr(psutil.Process, "environ", lambda _: {})
    monkeypatch.setattr(psutil.Process, "cmdline", lambda _: [])
    with subprocess.Popen(SLEEP) as young:
        try:
            assert young.pid not in [process.pid for process in family.members("nowhere")]
        finally:
            young.kill()
