"""One run of the gate: tiers in their lanes, second tries, and what is to be said at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from gate import alone, outcomes
from gate.outcomes import Outcomes
from gate.processes import Ended
from gate.proofs import Proofs
from gate.tiers import Tier
from gate.tries import Tries

SECOND_TRIES = 2
"""So many files of tests may pass at the second try in one run; more are no luck."""

Runner = Callable[..., Ended]


@dataclass(frozen=True)
class Row:
    """What became of a tier."""

    verb: str
    seconds: float
    verdict: str
    passed: bool
    run: bool = True


@dataclass
class Course:
    """A run of tiers.

    Parameters
    ----------
    artifacts
        Folder for the table of seconds (``ci.tsv``), and for what tiers print and their tests come to.
    deadline
        When the time is over, by `time.monotonic`. A tier that is still running then is stopped.
    proofs
        What has passed before on the same content.
    tries
        What needed a second try in the landings before.
    runner
        What runs a command; see `gate.alone.run`.
    """

    artifacts: Path
    deadline: float
    proofs: Proofs
    tries: Tries
    runner: Runner = alone.run
    began: float = field(default_factory=time.monotonic)
    rows: list[Row] = field(default_factory=list)
    second: dict[str, str] = field(default_factory=dict)
    """File that passed at the second try -> why it failed at the first."""
    covered: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    @property
    def passed(self) -> bool:
        """Whether every tier so far passed, now or on the same content before."""
        return bool(self.rows) and all(row.passed for row in self.rows)

    def side_by_side(self, tiers: Sequence[Tier]) -> None:
        """Run tiers, each lane on its own; those without a lane come after all others, alone."""
        lanes = sorted({tier.lane for tier in tiers if tier.lane})
        with ThreadPoolExecutor(len(lanes) or 1) as pool:
            each = [[tier for tier in tiers if tier.lane == lane] for lane in lanes]
            for ended in [pool.submit(self.in_turn, some) for some in each]:
                ended.result()
        self.in_turn([tier for tier in tiers if not tier.lane])

    def in_turn(self, tiers: Sequence[Tier]) -> None:
        """Run one tier after the other; what proved ones do not need, and quick ones leave, the others may take."""
        began = time.monotonic()
        larger = [tier for tier in tiers if not _is_covered(tier, tiers)]
        whole = sum(tier.minutes for tier in larger)
        needed = {tier.verb: tier.minutes for tier in larger if not self._is_proved(tier)}
        for tier in tiers:
            needed.pop(tier.verb, None)
            used = (time.monotonic() - began) / 60
            self.run(tier, whole - used - sum(needed.values()))

    def run(self, tier: Tier, minutes: float = 0) -> None:
        """Run a tier, unless there is a proof of it, and keep its verdict.

        Parameters
        ----------
        tier
            Which.
        minutes
            That it may take, where they are more than its own.
        """
        if tier.verb in self.covered:
            self._note(Row(tier.verb, 0, "covered by a larger one", passed=True, run=False))
            return
        key = self.proofs.key(tier)
        if proof := self.proofs.find(tier, key):
            self._note(Row(tier.verb, 0, str(proof), passed=True, run=False))
            return
        left = self.deadline - time.monotonic()
        if left < 1:
            missing = "NOT RUN: no time was left, and there is no proof for this content"
            self._note(Row(tier.verb, 0, missing, passed=False, run=False))
            return
        self._run(tier, key, min(max(tier.minutes, minutes), left / 60))

    def age(self, tier: Tier) -> None:
        """Say when a long tier last passed: on this content, or how many commits ago."""
        key = self.proofs.key(tier)
        proof = self.proofs.find(tier, key)
        found = (proof, 0) if proof else self.proofs.recorded(tier)
        if found is None:
            how = f"NO PROOF AT ALL: `.ci/run {tier.verb}` makes one, to be committed"
            self._note(Row(tier.verb, 0, how, passed=False, run=False))
            return
        proof, commits = found
        age = "an unknown number of commits ago" if commits is None else f"{commits} commits ago"
        told = str(proof) + ("" if commits == 0 else f", {age}")
        self._note(Row(tier.verb, 0, told, passed=True, run=False))

    def finish(self) -> bool:
        """Judge the second tries, keep them if all is green, and tell whether it is."""
        commit = self.proofs.commit()
        again = sorted(self.tries.before(commit) & set(self.second))
        for file in again:
            why = f"FAILED: {file} needed a second try in the landing before, too: mend it"
            self._note(Row("second tries", 0, why, passed=False, run=False))
        if self.passed:
            self.tries.keep(commit, self.second)
        return self.passed

    def summary(self) -> str:
        """Return the table of tiers, with the files that needed a second try."""
        minutes = (time.monotonic() - self.began) / 60
        lines = [f"=== summary, {minutes:.0f} min in all"]
        lines += [f"{row.verb:<20} {row.seconds:5.0f} s  {row.verdict}" for row in self.rows]
        lines += [f"passed at the second try: {file}, {why}" for file, why in self.second.items()]
        return "\n".join(lines)

    def _is_proved(self, tier: Tier) -> bool:
        return self.proofs.find(tier, self.proofs.key(tier)) is not None

    def _run(self, tier: Tier, key: str, minutes: float) -> None:
        print(f"=== make {tier.verb} (at most {minutes:.0f} min)", flush=True)
        began = time.monotonic()
        covered = self.proofs.key(tier.covers) if tier.covers else ""
        ended, found = self._make(tier, minutes * 60)
        wrong = _wrong(tier, ended, found)
        again = found.failed if wrong and self._may_try_again(tier, ended, found) else {}
        if again:
            wrong = self._once_more(tier, again)
        seconds = time.monotonic() - began
        if not wrong:
            self.proofs.keep(tier, key, seconds, tuple(again))
            if tier.covers:
                self.proofs.keep(tier.covers, covered, seconds, tuple(again))
                self.covered.add(tier.covers.verb)
        passed = f"passed, {len(again)} at the second try" if again else "passed"
        self._note(Row(tier.verb, seconds, wrong or passed, passed=not wrong))

    def _make(self, tier: Tier, seconds: float, file: str | None = None) -> tuple[Ended, Outcomes]:
        folder = self.artifacts / "ci"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{tier.verb}-{Path(file).stem}" if file else tier.verb
        record = (folder / f"{name}.jsonl").resolve()
        record.unlink(missing_ok=True)
        command = ["make", "--no-print-directory", tier.verb, *([f"FILES={file}"] if file else [])]
        variables: Mapping[str, str] = {outcomes.VARIABLE: str(record)}
        ended = self.runner(
            command, seconds=seconds, variables=variables, log=folder / f"{name}.log"
        )
        if ended.left:
            print(f"=== {tier.verb} left behind: {', '.join(ended.left)} (ended)", flush=True)
        return ended, outcomes.read(record)

    def _may_try_again(self, tier: Tier, ended: Ended, found: Outcomes) -> bool:
        few = len(found.failed) + len(self.second) <= SECOND_TRIES
        return tier.again and few and not ended.cut_off

    def _once_more(self, tier: Tier, failed: Mapping[str, str]) -> str:
        """Run files of tests alone, and return what is wrong; empty: nothing."""
        for file, why in failed.items():
            print(f"=== make {tier.verb}, once more: {file}\n{why}", flush=True)
            left = min(tier.minutes * 60, self.deadline - time.monotonic())
            ended, found = self._make(tier, left, file)
            if ended.code or ended.cut_off or not found.passed:
                return f"FAILED twice: {file}"
            with self._lock:
                self.second[file] = why
                if len(self.second) > SECOND_TRIES:
                    return f"FAILED: {', '.join(self.second)} needed a second try; that is no luck"
        return ""

    def _note(self, row: Row) -> None:
        with self._lock:
            self.rows.append(row)
            print(f"=== {row.verb:<20} {row.seconds:5.0f} s  {row.verdict}", flush=True)
            self.artifacts.mkdir(parents=True, exist_ok=True)
            table = "".join(f"{one.verb}\t{one.seconds:.0f}\t{one.verdict}\n" for one in self.rows)
            again = "".join(f"second try\t{file}\t{why}\n" for file, why in self.second.items())
            (self.artifacts / "ci.tsv").write_text(table + again, "utf-8")


def _is_covered(tier: Tier, among: Sequence[Tier]) -> bool:
    return any(other.covers is not None and other.covers.verb == tier.verb for other in among)


def _wrong(tier: Tier, ended: Ended, found: Outcomes) -> str:
    """Return what is wrong with a first try; empty: nothing."""
    files = f" in {', '.join(found.failed)}" if found.failed else ""
    if ended.cut_off:
        return f"FAILED (stopped after {ended.seconds:.0f} s){files}"
    if ended.code:
        return f"FAILED (exit code {ended.code}){files}"
    if tier.tests and not found.passed:
        return "FAILED: not one test was run; each skipped test says what it needs"
    return ""
