"""What the gate makes of tiers that pass, fail, hang, skip everything, or find no time."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Barrier

import pytest
from gate.course import Course
from gate.outcomes import VARIABLE
from gate.processes import Ended
from gate.proofs import Proofs
from gate.tiers import LONG, PREPARE, TEST, TIERS, Tier, named
from gate.tries import Tries
from support.waiting import minutes

ROOT = Path(__file__).parents[2]
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
    allowed: list[float] = field(default_factory=list)
    """Minutes that each call might take."""

    def __call__(
        self, command: list[str], *, seconds: float, variables: Mapping[str, str], log: Path
    ) -> Ended:
        self.calls.append(" ".join(command[2:]))
        self.allowed.append(seconds / 60)
        code, lines = self.script.pop(0)
        Path(variables[VARIABLE]).write_text("".join(json.dumps(one) + "\n" for one in lines))
        return Ended(code, 1.0, self.cut_off, ())


def course(tmp_path: Path, play: Play, left: float = 3600) -> Course:
    proofs = Proofs(tmp_path / "proofs", ROOT)
    tries = Tries(tmp_path / "second-tries.json")
    return Course(tmp_path, time.monotonic() + left, proofs, tries, play)


LONG_TIER = Tier("test-long", 5, tests=("tests/gate/",), again=True, proved=False)


def test_a_tier_that_passes(tmp_path: Path) -> None:
    run = course(tmp_path, Play([(0, [PASSED])]))
    run.run(LONG_TIER)
    assert run.passed
    assert "passed" in run.summary()
    assert (tmp_path / "ci.tsv").read_text() == "test-long\t0\tpassed\n"


def test_a_file_that_passes_at_the_second_try(tmp_path: Path) -> None:
    play = Play([(2, [failure("one"), failure("one"), {"passed": 9}]), (0, [PASSED])])
    run = course(tmp_path, play)
    run.run(LONG_TIER)
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
    run.run(LONG_TIER)
    assert not run.passed
    assert "FAILED twice: tests/thing/test_one.py" in run.summary()
    assert "second try" not in run.summary()


def test_three_files_in_one_run_are_no_luck(tmp_path: Path) -> None:
    first = [(2, [failure("one"), failure("two"), PASSED]), (0, [PASSED]), (0, [PASSED])]
    play = Play([*first, (2, [failure("three"), PASSED])])
    run = course(tmp_path, play)
    run.run(LONG_TIER)
    assert run.passed
    run.run(LONG_TIER)
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
        (LONG_TIER, [(2, [PASSED])]),  # nothing that could be tried again
        (LONG_TIER, [(0, [{"passed": 0}])]),  # every test was skipped
        (LONG_TIER, [(0, [])]),
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
    run.run(LONG_TIER)
    assert not run.passed
    assert "stopped after" in run.summary()
    assert len(play.calls) == 1


def test_a_tier_without_time_fails_the_run(tmp_path: Path) -> None:
    play = Play([])
    run = course(tmp_path, play, left=0)
    run.run(LONG_TIER)
    assert not run.passed
    assert "NOT RUN: no time was left" in run.summary()


def test_a_tier_of_checks_needs_no_test(tmp_path: Path) -> None:
    run = course(tmp_path, Play([(0, [])]))
    run.run(Tier("lint", 5, proved=False))
    assert run.passed


def test_the_first_tier_is_the_readmes() -> None:
    assert TIERS[0] is TEST
    assert TEST.verb == "test"
    assert TEST.packages == ()
    short = [tier for tier in TIERS if tier.verb in {"lint", "test"}]
    assert len(short) == 2
    assert not any(tier.proved for tier in short)


def test_every_tier_of_tests_has_a_second_try() -> None:
    assert [tier.verb for tier in (*TIERS, *LONG) if tier.tests and not tier.again] == [
        *("bench-access", "bench-composites", "bench-class")
    ]


def test_every_tier_is_a_verb_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for tier in (PREPARE, *TIERS, *LONG):
        assert f"\n{tier.verb}: ##" in makefile, tier.verb


def test_the_limits_of_all_tiers_fit_into_the_time() -> None:
    """No tier drops out on a slow machine because those before it took all the time that they may."""
    lanes: dict[str, float] = {}
    for tier in TIERS:
        if tier.verb != "test-311":  # covered, where the larger one runs
            lanes[tier.lane] = lanes.get(tier.lane, 0) + tier.minutes
    assert max(lanes["a"], lanes["b"]) + lanes[""] <= 85 - 10, "and ten minutes to prepare"


def test_lanes_run_side_by_side_and_the_rest_alone(tmp_path: Path) -> None:
    together, seen = Barrier(2), []

    def make(command: list[str], **_: object) -> Ended:
        if command[2] in {"a1", "b1"}:
            together.wait(minutes(1))  # for ever, if one lane waited for the other
        seen.append(command[2])
        return Ended(0, 1.0, False, ())

    run = course(tmp_path, Play([]))
    run.runner = make
    run.side_by_side([Tier(verb, 5, lane=verb[0].strip("x"), proved=False) for verb in
                      ("a1", "a2", "b1", "x1", "b2")])  # fmt: skip
    assert run.passed
    assert seen[-1] == "x1"
    assert seen.index("a1") < seen.index("a2")
    assert seen.index("b1") < seen.index("b2")
    assert len(seen) == 5


def test_minutes_that_proved_tiers_do_not_need_are_the_others(tmp_path: Path) -> None:
    """Two whole suites of tests side by side take longer than each with lighter tiers beside it."""
    short = [Tier(name, 9, tests=("tests/gate/",), only=("LICENSE",)) for name in ("one", "two")]
    play = Play([(0, [PASSED])] * 4)
    run = course(tmp_path, play, left=6000)
    run.in_turn([short[0]])
    run.in_turn([short[0], LONG_TIER, short[1]])
    assert [round(one) for one in play.allowed] == [9, 14, 23]  # one is proved; two keeps its own
    run.in_turn([LONG_TIER, *short])
    assert round(play.allowed[-1]) == 23


def test_a_larger_tier_covers_a_smaller(tmp_path: Path) -> None:
    small = Tier("test-small", 5, tests=("tests/gate/",))
    large = Tier("test-large", 5, tests=("tests/",), only=("pyproject.toml",), covers=small)
    play = Play([(0, [PASSED])])
    run = course(tmp_path, play)
    run.in_turn([large, small])
    assert play.calls == ["test-large"]
    assert "test-small               0 s  covered by a larger one" in run.summary()
    again = course(tmp_path, play)
    again.in_turn([large, small])
    assert again.summary().count("proved at") == 2, "the small one, too"


def test_a_large_tier_that_failed_covers_nothing(tmp_path: Path) -> None:
    small = Tier("test-small", 5)
    play = Play([(2, [PASSED]), (0, [])])
    run = course(tmp_path, play)
    run.in_turn([Tier("test-large", 5, covers=small, proved=False), small])
    assert play.calls == ["test-large", "test-small"]
    assert not run.passed


def test_the_same_file_twice_running_is_no_luck(tmp_path: Path) -> None:
    script = [(2, [failure("one"), PASSED]), (0, [PASSED])]

    def landing(commit: str) -> Course:
        run = course(tmp_path, Play([*script]))
        object.__setattr__(run.proofs, "commit", lambda: commit)
        run.run(LONG_TIER)
        return run

    assert landing("first").finish()
    assert landing("first").finish(), "the same landing, run again"
    second = landing("second")
    assert not second.finish()
    told = "FAILED: tests/thing/test_one.py needed a second try in the landing before, too: mend it"
    assert told in second.summary()
    clean = course(tmp_path, Play([(0, [PASSED])]))
    object.__setattr__(clean.proofs, "commit", lambda: "third")
    clean.run(LONG_TIER)
    assert clean.finish()
    assert landing("fourth").finish(), "not running"


def test_names_of_tiers() -> None:
    assert [tier.verb for tier in named(["test-system", "test"])] == ["test", "test-system"]
    assert named([LONG[0].verb]) == [LONG[0]]
    with pytest.raises(ValueError, match="no tier test-nothing; there are test, test-cluster"):
        named(["test-nothing"])
