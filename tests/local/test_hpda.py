"""A second gateway on this machine's Slurm: what can be told without one."""

from __future__ import annotations

import pwd
from pathlib import Path

import pytest

from geodes_datalab.errors import LocalModeError
from geodes_datalab.local import hpda, plan, ports, secrets
from geodes_datalab.local.layout import Layout, layout


def prepare(place: Layout, settings: Path | None = None) -> None:
    chosen, wishes = ports.choose("auto"), plan.Wishes(hpda="slurm", settings=settings)
    secrets.ensure(place)
    hpda.prepare(place, chosen, plan.make_settings(place, chosen, wishes))


def test_a_machine_without_slurm_is_told_before_anything_starts(
    place: Layout, tmp_path: Path
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text("[hpda.gateway.slurm]\nsbatch = '/nowhere/sbatch'\n")
    with pytest.raises(LocalModeError, match=r"there is no /nowhere/sbatch.*\n.*login node"):
        prepare(place, settings)
    assert not place.hpda_settings.exists()


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put Slurm's commands on the PATH, on any machine."""
    for name in hpda.PROGRAMS:
        program = tmp_path / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("programs")
def test_slurm_is_found_on_the_path(place: Layout, tmp_path: Path) -> None:
    prepare(place)
    assert str(tmp_path / "sbatch") in place.hpda_settings.read_text()
    launcher = place.root / "hpda" / "launcher"
    assert launcher.stat().st_mode & 0o777 == 0o755
    assert str(tmp_path / "sbatch") in (place.root / "hpda" / "launcher.json").read_text()


def test_two_datalabs_on_one_slurm_leave_each_others_jobs_alone(tmp_path: Path) -> None:
    names = set()
    for folder in ("one", "two", "two"):
        found = layout(tmp_path / folder)
        found.make()
        slurm = hpda.values(found, ports.choose("auto"), {})["gateway"]["slurm"]
        names.add(slurm["instance"])
    assert len(names) == 2


@pytest.mark.usefixtures("programs")
def test_a_number_without_an_account_is_told_before_anything_starts(
    place: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    with pytest.raises(LocalModeError, match=r"number \d+ has no account.*\n.*entry"):
        prepare(place)
    assert not place.hpda_settings.exists()
