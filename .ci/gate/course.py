"""One run of the gate: tier after tier, second tries, and what is to be said at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gate import outcomes, processes
from gate.outcomes import Outcomes
from gate.processes import Ended
from gate.proofs import Proofs
from gate.tiers import Tier

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


@dataclass
class Course:
    """A run of tiers.

    Parameters
    ----------
    artifacts
        Folder for what the tiers' tests came to, and for the table of seconds.
    deadline
        When the time is over, by `time.monotonic`. A tier that is still running then is stopped.
    proofs
        What has passed before on the same content.
    runner
        What runs a command; see `gate.processes.run`.
    """

    artifacts: Path
    deadline: float
    proofs: Proofs
    runner: Runner = processes.run
    began: float = field(default_factory=time.monotonic)
    rows: list[Row] = field(default_factory=list)
    second: dict[str, str] = field(default_factory=dict)
    """File that passed at the second try -> why it failed at the first."""

    @property
    def passed(self) -> bool:
        """Whether every tier so far passed, now or on the same content before."""
        return all(row.passed for row in self.rows)

    def run(self, tier: Tier) -> None:
        """Run a tier, unless there is a proof of it, and keep its verdict."""
        if proof := self.proofs.find(tier):
            self._note(tier, 0, str(proof), passed=True)
            return
        left = self.deadline - time.monotonic()
        if left < 1:
            self._note(tier, 0, "NOT RUN: no time was left", passed=False)
            return
        key = self.proofs.key(tier) if tier.proved else ""
        minutes = min(tier.minutes, left / 60)
        print(f"=== make {tier.verb} (at most {minutes:.0f} min)", flush=True)
        began = time.monotonic()
        ended, found = self._make(tier, minutes * 60)
        wrong = self._wrong(tier, ended, found)
        again = found.failed if wrong and self._may_try_again(tier, ended, found) else {}
        if again:
            wrong = self._once_more(tier, again)
        seconds = time.monotonic() - began
        if not wrong:
            self.proofs.keep(tier, key, seconds)
        passed = f"passed, {len(again)} at the second try" if again else "passed"
        self._note(tier, seconds, wrong or passed, passed=not wrong)

    def summary(self) -> str:
        """Return the table of tiers, with the files that needed a second try."""
        minutes = (time.monotonic() - self.began) / 60
        lines = [f"=== summary, {minutes:.0f} min in all"]
        lines += [f"{row.verb:<16} {row.seconds:5.0f} s  {row.verdict}" for row in self.rows]
        lines += [f"passed at the second try: {file}, {why}" for file, why in self.second.items()]
        return "\n".join(lines)

    def _make(self, tier: Tier, seconds: float, file: str | None = None) -> tuple[Ended, Outcomes]:
        self.artifacts.mkdir(parents=True, exist_ok=True)
        name = f"{tier.verb}-{Path(file).stem}" if file else tier.verb
        record = (self.artifacts / f"{name}.jsonl").resolve()
        record.unlink(missing_ok=True)
        command = ["make", "--no-print-directory", tier.verb, *([f"FILES={file}"] if file else [])]
        variables: Mapping[str, str] = {outcomes.VARIABLE: str(record)}
        ended = self.runner(command, seconds=seconds, variables=variables)
        if ended.left:
            print(f"=== {tier.verb} left behind: {', '.join(ended.left)} (ended)", flush=True)
        return ended, outcomes.read(record)

    def _wrong(self, tier: Tier, ended: Ended, found: Outcomes) -> str:
        """Return what is wrong with a first try; empty: nothing."""
        if ended.cut_off:
            return f"FAILED (stopped after {ended.seconds:.0f} s)"
        if ended.code:
            files = f" in {', '.join(found.failed)}" if found.failed else ""
            return f"FAILED (exit code {ended.code}){files}"
        if tier.tests and not found.passed:
            return "FAILED: not one test was run; each skipped test says what it needs"
        return ""

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
            self.second[file] = why
        return ""

    def _note(self, tier: Tier, seconds: float, verdict: str, *, passed: bool) -> None:
        row = Row(tier.verb, seconds, verdict, passed)
        self.rows.append(row)
        print(f"=== {row.verb:<16} {row.seconds:5.0f} s  {row.verdict}", flush=True)
        self.artifacts.mkdir(parents=True, exist_ok=True)
        table = "".join(f"{one.verb}\t{one.seconds:.0f}\t{one.verdict}\n" for one in self.rows)
        again = "".join(f"second try\t{file}\t{why}\n" for file, why in self.second.items())
        (self.artifacts / "ci.tsv").write_text(table + again, "utf-8")
