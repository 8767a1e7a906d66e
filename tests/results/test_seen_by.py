"""Who sees what: another account of the machine finds what is shared with it, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from cubes_to_publish import TERMS, cube
from support.waiting import minutes

import geodes_datalab as gd
from geodes_datalab.errors import InvalidQuery, StorageError

OTHER = 65_534
"""Number of an account that owns nothing."""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="becoming another account needs root")

BECOME = """
import hashlib, json, os, sys, tempfile
from pathlib import Path
import pystac
from cubes_to_publish import TERMS, cube
import geodes_datalab as gd

place = Path(sys.argv[1])
with tempfile.TemporaryDirectory() as folder:  # all is imported while the account may read Python's own files
    gd.publish(cube(1), place=folder, visibility="public", **TERMS)
    gd.search(catalogue=folder), gd.collections(catalogue=folder)
    list(pystac.Catalog.from_file(folder + "/catalog.json").get_items(recursive=True))
os.environ["XDG_CONFIG_HOME"] = str(place.parent)
os.setegid(int(sys.argv[2]))
os.seteuid(int(sys.argv[3]))
"""

LOOK = """
found = gd.search(catalogue=place).dicts
for item in found:
    for asset in item["assets"].values():
        pixels = Path(asset["href"]).read_bytes()
        assert asset["file:checksum"] == "1220" + hashlib.sha256(pixels).hexdigest()
links = pystac.Catalog.from_file(place / "catalog.json").get_items(recursive=True)
told = gd.collections(catalogue=place).ids, sorted({item["collection"] for item in found}), [one.id for one in links]
print(json.dumps(told))
"""


def become(script: str, place: Path, group: int = OTHER) -> str:
    """Run a script as another account, in a process of its own; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BECOME + script, place, str(group), str(OTHER)],
        cwd=Path(__file__).parent, capture_output=True, text=True, timeout=minutes(5), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def look(place: Path, group: int = OTHER) -> Any:
    """Return collections, collections of the items found, and items that pystac walks to, as another account."""
    return json.loads(become(LOOK, place, group))


@pytest.fixture
def shared() -> Iterator[Path]:
    """A place that every account may reach: pytest's own folders are closed to others."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "shared"


def publish_all(place: Path) -> None:
    for name in ("private", "group", "public"):
        gd.publish(
            cube(1), collection=f"of-{name}", licence="etalab-2.0", visibility=name, place=place
        )


@as_root
def test_another_account_sees_what_is_public_and_nothing_else(shared: Path) -> None:
    publish_all(shared)
    known, found, linked = look(shared)
    assert known == found == ["of-public"]
    assert linked == ["of-public_20240301T105031"]


@as_root
def test_somebody_of_the_group_sees_what_is_for_the_group(shared: Path) -> None:
    publish_all(shared)
    known, found, _ = look(shared, group=os.getegid())
    assert known == found == ["of-group", "of-public"]


@as_root
def test_what_is_hidden_later_is_not_found_any_more(shared: Path) -> None:
    gd.publish(cube(1), visibility="public", place=shared, **TERMS)
    assert look(shared)[1] == ["greenness"]
    gd.publish(cube(1), visibility="private", replace=True, place=shared, **TERMS)
    assert look(shared) == [[], [], []]
    item = json.loads(next(shared.rglob("greenness_*.json")).read_text())
    assert item["properties"]["geodes_datalab:visibility"] == "private"
    assert gd.search(catalogue=shared).ids == ["greenness_20240301T105031"]
    assert len(list(shared.rglob("ndvi.tif"))) == 1


@as_root
def test_what_is_shown_later_is_found_and_can_be_read(shared: Path) -> None:
    gd.publish(cube(1), place=shared, **TERMS)
    assert look(shared)[1] == []
    gd.publish(cube(1), visibility="public", replace=True, place=shared, **TERMS)
    assert look(shared) == [["greenness"], ["greenness"], ["greenness_20240301T105031"]]


@as_root
def test_an_administrator_does_not_find_what_is_others_own(shared: Path) -> None:
    gd.publish(cube(1), place=shared, **TERMS)
    for path in (shared / "alice").rglob("*"):
        os.chown(path, OTHER, OTHER)
    assert len(gd.search(catalogue=shared)) == 0


@pytest.mark.parametrize(
    ("visibility", "folder", "file"),
    [("private", 0o700, 0o600), ("group", 0o750, 0o640), ("public", 0o755, 0o644)],
)
def test_permissions_are_those_of_the_visibility(
    shared: Path, visibility: str, folder: int, file: int
) -> None:
    before = os.umask(0o077)
    try:
        gd.publish(cube(1), visibility=visibility, place=shared, **TERMS)
    finally:
        os.umask(before)
    root = shared / "alice" / "greenness"
    assert {one.stat().st_mode & 0o777 for one in (root, *root.rglob("*")) if one.is_dir()} == {folder}  # fmt: skip
    assert {one.stat().st_mode & 0o777 for one in root.rglob("*") if one.is_file()} == {file}
    assert root.parent.stat().st_mode & 0o777 == folder


@as_root
def test_a_folder_of_ones_name_that_another_account_made_is_refused(shared: Path) -> None:
    (shared / "alice").mkdir(parents=True)
    os.chown(shared / "alice", OTHER, OTHER)
    with pytest.raises(StorageError, match="another account"):
        gd.publish(cube(1), place=shared, **TERMS)
    (shared / "alice").rmdir()
    (shared / "alice").symlink_to(shared.parent)
    with pytest.raises(StorageError, match="another account"):
        gd.publish(cube(1), place=shared, **TERMS)


def test_a_closed_place_is_told(shared: Path) -> None:
    shared.mkdir()
    shared.chmod(0o700)
    shown = gd.publish(cube(1), visibility="public", place=shared, **TERMS)
    assert f"{shared} is closed" in repr(shown)


@as_root
def test_two_accounts_publish_into_one_place(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared.mkdir()
    shared.chmod(0o1777)
    gd.publish(cube(1), visibility="public", place=shared, **TERMS)
    monkeypatch.setenv("JUPYTERHUB_USER", "bob")
    told = become(
        "print(gd.publish(cube(1, seed=1), visibility='public', place=place, **TERMS))", shared
    )
    assert "belongs to another account and does not list it yet" in told
    assert gd.collections(catalogue=shared).ids == ["alice/greenness", "bob/greenness"]
    assert len(gd.search("bob/greenness", catalogue=shared)) == 1
    with pytest.raises(InvalidQuery, match="2 users"):
        gd.search("greenness", catalogue=shared)
