"""What the gate makes of tiers that pass, fail, hang, skip everything, or find no time."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from gate.course import Course
from gate.outcomes import VARIABLE
from gate.processes import Ended
from gate.proofs import Proofs
from gate.tiers import TIERS, Tier

PASSED = {"passed": 3}


def failure(name: str) -> dict[str, object]:
    file = f"tests/thing/test_{name}.py"
    return {"file": file, "test": f"{file}::test_it", "reason": f"{name} is broken"}


@dataclass
class Play:
    """Stands for `make`: what each call is to write and to return, and what was called."""

    script: list[tuple[int, list[Mapping[str, object]]]]
    cut_off: bool = False
    calls: list[str] = field(default_factory=list)

    def __call__(
        self, command: list[str], *, seconds: float, variables: Mapping[str, str]
    ) -> Ended:
        self.calls.append(" ".join(command[2:]))
        code, lines = self.script.pop(0)
        Path(variables[VARIABLE]).write_text("".join(json.dumps(one) + "\n" for one in lines))
        return Ended(code, 1.0, self.cut_off, ())


def course(tmp_path: Path, play: Play, left: float = 3600) -> Course:
    proofs = Proofs(tmp_path / "proofs", Path(__file__).parents[2])
    return Course(tmp_path, time.monotonic() + left, proofs, play)


LONG = Tier("test-long", 5, tests=("tests/gate/",), again=True, proved=False)


def test_a_tier_that_passes(tmp_path: Path) -> None:
    run = course(tmp_path, Play([(0, [PASSED])]))
    run.run(LONG)
    assert run.passed
    assert "passed" in run.summary()
    assert (tmp_path / "ci.tsv").read_text() == "test-long\t0\tpassed\n"


def test_a_file_that_passes_at_the_second_try(tmp_path: Path) -> None:
    play = Play([(2, [failure("one"), failure("one"), {"passed": 9}]), (0, [PASSED])])
    run = course(tmp_path, play)
    run.run(LONG)
    assert play.calls == ["test-long", "test-long FILES=tests/thing/test_one.py"]
    assert run.passed
    told = "passed at the second try: tests/thing/test_one.py, one is broken"
    assert told in run.summary()
    assert "second try\ttests/thing/test_one.py\tone is broken" in (tmp_path / "ci.tsv").read_text()


@pytest.mark.parametrize(
    ("code", "lines"), [(2, [failure("one")]), (0, []), (2, [PASSED])], ids=str
)
def test_a_file_that_fails_twice(code: int, lines: list[dict[str, object]], tmp_path: Path) -> None:
    run = course(tmp_path, Play([(2, [failure("one"), PASSED]), (code, lines)]))
    run.run(LONG)
    assert not run.passed
    assert "FAILED twice: tests/thing/test_one.py" in run.summary()
    assert "second try" not in run.summary()


def test_three_files_in_one_run_are_no_luck(tmp_path: Path) -> None:
    first = [(2, [failure("one"), failure("two"), PASSED]), (0, [PASSED]), (0, [PASSED])]
    play = Play([*first, (2, [failure("three"), PASSED])])
    run = course(tmp_path, play)
    run.run(LONG)
    assert run.passed
    run.run(LONG)
    assert not run.passed
    assert len(play.calls) == 4
    assert "FAILED (exit code 2) in tests/thing/test_three.py" in run.summary()


@pytest.mark.parametrize(
    ("tier", "script"),
    [
        (
            Tier("test", 5, ("tests/",), proved=False),
            [(2, [failure("one"), PASSED])],
        ),  # no second try
        (LONG, [(2, [PASSED])]),  # nothing that could be tried again
        (LONG, [(0, [{"passed": 0}])]),  # every test was skipped
        (LONG, [(0, [])]),
        (Tier("lint", 5, proved=False), [(1, [])]),
    ],
    ids=["short", "no file", "skipped", "silent", "lint"],
)
def test_what_fails(
    tier: Tier, script: list[tuple[int, list[Mapping[str, object]]]], tmp_path: Path
) -> None:
    play = Play(script)
    run = course(tmp_path, play)
    run.run(tier)
    assert not run.passed
    assert len(play.calls) == 1


def test_a_tier_that_hangs_is_not_tried_again(tmp_path: Path) -> None:
    play = Play([(-2, [failure("one")])], cut_off=True)
    run = course(tmp_path, play)
    run.run(LONG)
    assert not run.passed
    assert "stopped after" in run.summary()
    assert len(play.calls) == 1


def test_a_tier_without_time_fails_the_run(tmp_path: Path) -> None:
    play = Play([])
    run = course(tmp_path, play, left=0)
    run.run(LONG)
    assert not run.passed
    assert "NOT RUN: no time was left" in run.summary()


def test_a_tier_of_checks_needs_no_test(tmp_path: Path) -> None:
    run = course(tmp_path, Play([(0, [])]))
    run.run(Tier("lint", 5, proved=False))
    assert run.passed


def test_the_first_tier_is_the_readmes() -> None:
    assert TIERS[0].verb == "test"
    assert TIERS[0].packages == ()
    short = [tier for tier in TIERS if tier.verb in {"lint", "test"}]
    assert len(short) == 2
    assert not any(tier.again or tier.proved for tier in short)


def test_every_tier_is_a_verb_of_the_makefile() -> None:
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    for tier in TIERS:
        assert f"\n{tier.verb}: ##" in makefile, tier.verb
