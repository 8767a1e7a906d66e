from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from geodes_datalab.cli import main
from geodes_datalab.server.notebooks_sync import MANIFEST, fresh, sync


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "shipped"
    (folder / "01").mkdir(parents=True)
    (folder / "README.md").write_text("first")
    (folder / "01" / "a.ipynb").write_text("a1")
    (folder / "01" / "b.ipynb").write_text("b1")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_text("no")
    (folder / "locale").mkdir()
    (folder / "locale" / "fr.po").write_text("of translators")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home" / "notebooks"


def new_version_of(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.stem}.new-*{path.suffix}"))


def test_first_copy(source: Path, home: Path) -> None:
    report = sync(source, home)
    assert report.added == ["01/a.ipynb", "01/b.ipynb", "README.md"]
    assert (home / "01" / "a.ipynb").read_text() == "a1"
    assert not (home / "__pycache__").exists()
    assert not (home / "locale").exists()
    assert str(sync(source, home)) == "nothing to do"


def test_unchanged_files_are_updated(source: Path, home: Path) -> None:
    sync(source, home)
    (source / "01" / "a.ipynb").write_text("a2")
    assert sync(source, home).updated == ["01/a.ipynb"]
    assert (home / "01" / "a.ipynb").read_text() == "a2"


def test_edits_are_kept_and_the_new_version_put_beside_once(source: Path, home: Path) -> None:
    sync(source, home)
    mine = home / "01" / "a.ipynb"
    mine.write_text("mine")
    assert sync(source, home).kept == ["01/a.ipynb"]
    (source / "01" / "a.ipynb").write_text("a2")
    assert sync(source, home).beside == ["01/a.ipynb"]
    assert mine.read_text() == "mine"
    assert [path.read_text() for path in new_version_of(mine)] == ["a2"]
    assert sync(source, home).kept == ["01/a.ipynb"]
    (source / "01" / "a.ipynb").write_text("a3")
    sync(source, home)
    assert sorted(path.read_text() for path in new_version_of(mine)) == ["a2", "a3"]
    assert mine.read_text() == "mine"


def test_deleted_files_stay_deleted_unless_asked_for(source: Path, home: Path) -> None:
    sync(source, home)
    (home / "01" / "a.ipynb").unlink()
    (source / "01" / "a.ipynb").write_text("a2")
    assert sync(source, home).deleted == ["01/a.ipynb"]
    assert not (home / "01" / "a.ipynb").exists()
    assert sync(source, home, restore=True).added == ["01/a.ipynb"]
    assert (home / "01" / "a.ipynb").read_text() == "a2"


def test_new_files_arrive(source: Path, home: Path) -> None:
    sync(source, home)
    (source / "02").mkdir()
    (source / "02" / "c.ipynb").write_text("c1")
    assert sync(source, home).added == ["02/c.ipynb"]


def test_a_file_of_the_same_name_is_the_users(source: Path, home: Path) -> None:
    home.mkdir(parents=True)
    (home / "README.md").write_text("my own notes")
    assert sync(source, home).beside == ["README.md"]
    assert (home / "README.md").read_text() == "my own notes"


def test_links_and_folders_are_not_followed_or_replaced(
    source: Path, home: Path, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("a1")
    (home / "01" / "b.ipynb").mkdir(parents=True)
    (home / "01" / "a.ipynb").symlink_to(precious)
    sync(source, home)
    (source / "01" / "a.ipynb").write_text("a2")
    sync(source, home)
    assert precious.read_text() == "a1"
    assert (home / "01" / "a.ipynb").is_symlink()
    assert (home / "01" / "b.ipynb").is_dir()


@pytest.mark.parametrize("manifest", ["", "[]", "{", '{"README.md": 3}'])
def test_a_broken_manifest_loses_nothing(source: Path, home: Path, manifest: str) -> None:
    sync(source, home)
    (home / "01" / "a.ipynb").write_text("mine")
    (home / MANIFEST).write_text(manifest)
    (source / "01" / "a.ipynb").write_text("a2")
    sync(source, home)
    assert (home / "01" / "a.ipynb").read_text() == "mine"


def test_a_full_disk_leaves_whole_files_and_a_true_manifest(source: Path, home: Path) -> None:
    sync(source, home)
    for name in ("a", "b"):
        (source / "01" / f"{name}.ipynb").write_text(name * 3_000_000)
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from geodes_datalab.server.notebooks_sync import sync\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
        "try: sync(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "except OSError as error: print('told', error.errno)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, source, home], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("told"), done.stderr
    assert (home / "01" / "a.ipynb").read_text() == "a1"
    assert not list(home.rglob(".writing-*"))
    assert "01/b.ipynb" in json.loads((home / MANIFEST).read_text())
    assert sync(source, home).updated == ["01/a.ipynb", "01/b.ipynb"]


def test_command(source: Path, home: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "geodes_datalab.server.notebooks_sync",
        home,
        "--source",
        source,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout == "3 added\n"


def test_one_notebook_comes_back_fresh_and_mine_is_kept(source: Path, home: Path) -> None:
    sync(source, home)
    mine, other = home / "01" / "a.ipynb", home / "01" / "b.ipynb"
    mine.write_text("mine")
    other.write_text("edited too")
    said = fresh(source, home, "a")
    [kept] = mine.parent.glob("a.mine-*.ipynb")
    assert said == f"01/a.ipynb is as it was shipped; yours is 01/{kept.name}"
    assert (mine.read_text(), kept.read_text(), other.read_text()) == ("a1", "mine", "edited too")
    assert sync(source, home).kept == ["01/b.ipynb"]
    mine.write_text("mine again")
    fresh(source, home, "01/a.ipynb")
    kept_too = sorted(path.read_text() for path in mine.parent.glob("a.mine-*.ipynb"))
    assert kept_too == ["mine", "mine again"]
    (source / "01" / "a.ipynb").write_text("a2")
    assert sync(source, home).updated == ["01/a.ipynb"]


def test_a_fresh_one_needs_no_copy_of_what_is_fresh_or_gone(source: Path, home: Path) -> None:
    sync(source, home)
    assert fresh(source, home, "a.ipynb") == "01/a.ipynb is as it was shipped"
    (home / "01" / "a.ipynb").unlink()
    assert fresh(source, home, "a.ipynb") == "01/a.ipynb is as it was shipped"
    assert sorted(path.name for path in (home / "01").iterdir()) == ["a.ipynb", "b.ipynb"]


def test_a_link_is_set_aside_and_what_it_points_to_is_left(source: Path, home: Path) -> None:
    precious = home.parent / "precious"
    (home / "01").mkdir(parents=True)
    precious.write_text("precious")
    (home / "01" / "a.ipynb").symlink_to(precious)
    fresh(source, home, "a")
    assert not (home / "01" / "a.ipynb").is_symlink()
    assert precious.read_text() == "precious"
    assert [path.is_symlink() for path in home.rglob("a.mine-*")] == [True]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("first", "no shipped file is called first; there are 01/a.ipynb, 01/b.ipynb, README.md"),
        ("../precious", "no shipped file is called ../precious"),
        ("", "no shipped file is called"),
        ("c", "c may be 01/c.ipynb or 02/c.ipynb"),
    ],
)
def test_a_name_that_is_none_or_two_changes_nothing(
    source: Path, home: Path, name: str, told: str
) -> None:
    if name == "c":
        (source / "02").mkdir()
        for folder in ("01", "02"):
            (source / folder / "c.ipynb").write_text("c1")
    with pytest.raises(LookupError, match=re.escape(told)):
        fresh(source, home, name)
    assert not home.exists()


def test_french_twins_are_named_by_their_path(source: Path, home: Path) -> None:
    (source / "fr" / "01").mkdir(parents=True)
    (source / "fr" / "01" / "a.ipynb").write_text("a en français")
    sync(source, home)
    assert fresh(source, home, "a") == "01/a.ipynb is as it was shipped"
    (home / "fr" / "01" / "a.ipynb").write_text("à moi")
    assert fresh(source, home, "fr/01/a").startswith(
        "fr/01/a.ipynb is as it was shipped; yours is fr/01/a.mine-"
    )
    assert (home / "fr" / "01" / "a.ipynb").read_text() == "a en français"


def test_commands_give_a_fresh_one(source: Path, home: Path) -> None:
    sync(source, home)
    (home / "README.md").write_text("mine")
    command = [sys.executable, "-m", "geodes_datalab.server.notebooks_sync", home]
    done = subprocess.run(
        [*command, "--source", source, "--fresh", "no-such"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "no shipped file is called no-such" in done.stderr
    told = CliRunner().invoke(main, ["sync-notebooks", str(home), "--fresh", "01-first-steps"])
    assert told.output == "01-start/01-first-steps.ipynb is as it was shipped\n"
    told = CliRunner().invoke(main, ["sync-notebooks", str(home), "--fresh", "no-such"])
    assert told.exit_code == 2
    assert "no shipped file is called no-such" in told.output
    assert (home / "README.md").read_text() == "mine"
