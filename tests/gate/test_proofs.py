"""A proof holds exactly as long as nothing has changed that its tier hangs on."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from gate import packages
from gate.course import Course
from gate.outcomes import VARIABLE
from gate.processes import Ended
from gate.proofs import RECORDS, Proof, Proofs
from gate.tiers import LONG, TIERS, Tier
from gate.tries import Tries

TIER = Tier("test-thing", 5, tests=("tests/thing/",), packages=("thing",))
FILES = (
    *("package/code.py", "docs/page.md", "CHANGELOG.md", "tests/conftest.py", "tests/support/a.py"),
    *("tests/thing/test_a.py", "tests/other/test_b.py", "scripts/lib.sh", ".gitignore"),
)
LIB = "find_python() { PYTHON=./python; }\n"


def git(root: Path, *arguments: str) -> None:
    name = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *name, *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "scripts/lib.sh").write_text(LIB)
    (folder / "python").write_text("#!/bin/sh\necho Python 3.99 ${PYTHON_VERSIONS:-}\n")
    (folder / "python").chmod(0o755)
    (folder / ".gitignore").write_text("artifacts\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "All")
    return folder


@pytest.fixture
def proofs(root: Path, monkeypatch: pytest.MonkeyPatch) -> Proofs:
    monkeypatch.setattr(packages, "version", lambda name: "1.0")
    return Proofs(root.parent / "proofs", root)


def found(proofs: Proofs, tier: Tier = TIER) -> Proof | None:
    return proofs.find(tier, proofs.key(tier))


def proved(proofs: Proofs) -> Proofs:
    proofs.keep(TIER, proofs.key(TIER), 12)
    return proofs


def test_a_proof_is_found_again(proofs: Proofs) -> None:
    assert found(proofs) is None
    proof = found(proved(proofs))
    assert proof is not None
    assert str(proof).startswith("proved at ")
    assert "(12 s)" in str(proof)
    assert not proof.commit.endswith("+")


@pytest.mark.parametrize(
    "path", ["package/code.py", "tests/conftest.py", "tests/support/a.py", "tests/thing/test_a.py"]
)
def test_a_change_of_what_it_hangs_on_ends_it(proofs: Proofs, root: Path, path: str) -> None:
    proved(proofs)
    (root / path).write_text("changed")
    assert found(proofs) is None
    (root / path).write_text(path)
    assert found(proofs), "the same content again"
    (root / path).unlink()
    assert found(proofs) is None


@pytest.mark.parametrize("path", ["package/new.py", "new-folder/data", "tests/thing/test_new.py"])
def test_so_does_a_new_file_before_it_is_committed(proofs: Proofs, root: Path, path: str) -> None:
    proved(proofs)
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).touch()
    assert found(proofs) is None
    proof = found(proved(proofs))
    assert proof is not None
    assert proof.commit.endswith("+")


@pytest.mark.parametrize(
    "path", ["docs/page.md", "CHANGELOG.md", "tests/other/test_b.py", "artifacts/table.md"]
)
def test_other_files_do_not_matter(proofs: Proofs, root: Path, path: str) -> None:
    proved(proofs)
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).write_text("changed")
    assert found(proofs)


def test_the_machine_matters(proofs: Proofs, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proved(proofs)
    assert found(proofs, replace(TIER, python="3.11")) is None
    assert found(proofs, replace(TIER, packages=("thing", "more"))) is None
    monkeypatch.setattr(packages, "version", lambda name: "1.1")
    assert found(proofs) is None
    monkeypatch.setattr(packages, "version", lambda name: "1.0")
    assert found(proofs)
    (root / ".gitignore").write_text(
        "artifacts\npython\n"
    )  # the interpreter is no file of the tree
    proved(proofs)
    (root / "python").write_text("#!/bin/sh\necho Python 4\n")
    assert found(proofs) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"commit": "a"}', '"text"'])
def test_half_a_proof_is_none(proofs: Proofs, text: str) -> None:
    [file] = (proved(proofs).folder / TIER.verb).iterdir()
    file.write_text(text)
    assert found(proofs) is None


def test_a_tree_that_changes_meanwhile_proves_nothing(proofs: Proofs, root: Path) -> None:
    key = proofs.key(TIER)
    (root / "package/code.py").write_text("changed")
    proofs.keep(TIER, key, 12)
    assert found(proofs) is None


def test_proofs_can_be_ignored_and_some_tiers_have_none(proofs: Proofs) -> None:
    proved(proofs)
    assert found(replace(proofs, ignored=True)) is None
    always = replace(TIER, proved=False)
    proofs.keep(always, proofs.key(always), 12)
    assert found(proofs, always) is None


def make(code: int, calls: list[str]) -> Callable[..., Ended]:
    def run(
        command: list[str], *, seconds: float, variables: Mapping[str, str], log: Path
    ) -> Ended:
        calls.append(" ".join(command[2:]))
        Path(variables[VARIABLE]).write_text(json.dumps({"passed": 1}) + "\n")
        return Ended(code, 1.0, False, ())

    return run


def started(out: Path, proofs: Proofs, runner: Callable[..., Ended]) -> Course:
    return Course(out, time.monotonic() + 60, proofs, Tries(out / "second.json"), runner)


def test_the_gate_takes_proofs_and_keeps_them(proofs: Proofs, root: Path, tmp_path: Path) -> None:
    calls: list[str] = []

    def go(code: int) -> Course:
        course = started(tmp_path / "out", proofs, make(code, calls))
        course.run(TIER)
        return course

    assert not go(2).passed
    assert go(0).passed
    third = go(2)
    assert third.passed
    assert "proved at" in third.summary()
    assert calls == ["test-thing", "test-thing"]
    (root / "package/code.py").write_text("changed")
    assert not go(2).passed


def test_second_tries_stand_in_the_proof(proofs: Proofs) -> None:
    proofs.keep(TIER, proofs.key(TIER), 12, ("tests/thing/test_a.py",))
    assert "tests/thing/test_a.py at the second try" in str(found(proofs))


def test_a_long_tier_is_told_by_its_age(proofs: Proofs, root: Path, tmp_path: Path) -> None:
    """Its proof may be older than the tree; it travels with it; none at all fails the run."""

    def aged() -> Course:
        course = started(tmp_path / "out", proofs, make(2, []))
        course.age(TIER)
        return course

    assert not aged().passed
    assert "NO PROOF AT ALL: `.ci/run test-thing` makes one" in aged().summary()
    proofs = proved(proofs)
    proofs.record(TIER, proofs.key(TIER))
    assert "machine" in (root / RECORDS / "test-thing.json").read_text()
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Record it")
    assert aged().passed
    assert aged().summary().endswith("(12 s)"), "the record itself changes nothing"
    (root / "package/code.py").write_text("changed")
    git(root, "commit", "-qam", "Change it")
    assert aged().passed
    assert aged().summary().endswith("(12 s), 2 commits ago")
    head = subprocess.check_output(["git", "rev-parse", "HEAD~2"], cwd=root, text=True).strip()
    file = root / RECORDS / "test-thing.json"
    file.write_text(file.read_text().replace(head, "0" * 40))
    assert "an unknown number of commits ago" in aged().summary()


def test_a_changed_part_leaves_tiers_alone_that_do_not_look_at_it() -> None:
    hang = {tier.verb for tier in TIERS if tier.proved and tier.hangs_on("geodes_datalab/ops/a.py")}
    assert hang == {"test-images", "test-browser", "test-311", "bench-composites"}
    locks = {tier.verb for tier in TIERS if tier.hangs_on("requirements/dev.txt")}
    assert locks == {tier.verb for tier in TIERS}
    docs = {tier.verb for tier in TIERS if tier.proved and tier.hangs_on("docs/how-to/values.md")}
    assert docs == {"test-system", "test-cluster"}, "they type what it says"
    for tier in (*TIERS, *LONG):
        assert tier.hangs_on("pyproject.toml")


def test_every_file_of_a_tier_counts() -> None:
    root = Path(__file__).parents[2]
    for tier in TIERS:
        for folder in tier.tests:
            assert (root / folder).is_dir(), (tier.verb, folder)
            assert tier.only or tier.hangs_on(f"{folder}test_new.py")
        assert tier.only or tier.hangs_on("geodes_datalab/errors.py")
