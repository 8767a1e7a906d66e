"""What the start command adds: a name for any user number, extensions where DuckDB looks for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.waiting import minutes

from geodes_datalab.server.start import account
from geodes_datalab.server.start.extensions import link_extensions

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can take another user's number")


@pytest.fixture
def link(tmp_path: Path) -> Path:
    path = tmp_path / "extrausers"
    path.symlink_to(tmp_path / "users")
    return path


@as_root
@pytest.mark.parametrize("group", [100, 0, 60000])
def test_a_number_without_a_name_gets_one(link: Path, group: int) -> None:
    link.parent.chmod(0o777)
    code = "import os, sys; from pathlib import Path; from geodes_datalab.server.start import account; "
    code += "os.setresgid(int(sys.argv[2]), 0, 0); os.setresuid(54321, 0, 0); "
    code += "print(account.enter(Path('/some/home'), link=Path(sys.argv[1])))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(link), str(group)],
        capture_output=True,
        text=True,
        timeout=minutes(1),
    )
    assert done.stdout == "True\n", done.stderr
    shown = group if group >= 500 else 100
    text = (link / "passwd").read_text()
    assert text == f"jovyan:x:54321:{shown}::/some/home:/bin/bash\n"


def test_a_number_with_a_name_keeps_it(link: Path) -> None:
    assert account.enter(Path("/home"), link=link) is False
    assert not link.exists()


def test_a_machine_that_is_not_our_image_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    assert account.enter(Path("/home"), link=tmp_path / "none") is False


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    folder = tmp_path / "packages/duckdb_extension_spatial/extensions/v1.5.5"
    folder.mkdir(parents=True)
    (folder / "spatial.duckdb_extension").write_text("ours")
    return tmp_path / "packages"


def test_extensions_are_linked(tmp_path: Path, packages: Path) -> None:
    for _ in range(2):
        link_extensions(tmp_path, packages)
    (found,) = tmp_path.glob(".duckdb/extensions/v1.5.5/linux_*/spatial.duckdb_extension")
    assert found.is_symlink()
    assert found.read_text() == "ours"


def test_a_link_of_an_image_of_before_is_replaced(tmp_path: Path, packages: Path) -> None:
    link_extensions(tmp_path, packages)
    (found,) = tmp_path.glob(".duckdb/extensions/*/*/*")
    found.unlink()
    found.symlink_to(tmp_path / "gone")
    link_extensions(tmp_path, packages)
    assert found.read_text() == "ours"


def test_an_extension_of_the_person_stays(tmp_path: Path, packages: Path) -> None:
    link_extensions(tmp_path, packages)
    (found,) = tmp_path.glob(".duckdb/extensions/*/*/*")
    found.unlink()
    found.write_text("theirs")
    link_extensions(tmp_path, packages)
    assert found.read_text() == "theirs"
