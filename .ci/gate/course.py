"""One run of the gate: tier after tier, second tries, and what is to be said at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gate import outcomes, processes
from gate.outcomes import Outcomes
from gate.processes import Ended
from gate.tiers import Tier

SECOND_TRIES = 2
"""So many files of tests may pass at the second try in one run; more are no luck."""

Runner = Callable[..., Ended]


@dataclass
class Course:
    """A run of tiers.

    Parameters
    ----------
    artifacts
        Folder for what the tiers' tests came to, and for the table of seconds.
    deadline
        When the time is over, by `time.monotonic`. A tier that is still running then is stopped.
    runner
        What runs a command; see `gate.processes.run`.
    """

    artifacts: Path
    deadline: float
    runner: Runner = processes.run
    began: float = field(default_factory=time.monotonic)
    rows: list[tuple[str, float, str]] = field(default_factory=list)
    """Tier, seconds, verdict."""
    second: dict[str, str] = field(default_factory=dict)
    """File that passed at the second try -> why it failed at the first."""

    @property
    def passed(self) -> bool:
        """Whether every tier so far was run and passed."""
        return all(verdict.startswith("passed") for _, _, verdict in self.rows)

    def run(self, tier: Tier) -> None:
        """Run a tier and keep its verdict."""
        left = self.deadline - time.monotonic()
        if left < 1:
            self._note(tier, 0, "NOT RUN: no time was left")
            return
        minutes = min(tier.minutes, left / 60)
        print(f"=== make {tier.verb} (at most {minutes:.0f} min)", flush=True)
        ended, found = self._make(tier, minutes * 60)
        verdict = self._judge(tier, ended, found)
        seconds = ended.seconds
        if verdict is None:
            began = time.monotonic()
            verdict = self._once_more(tier, found.failed)
            seconds += time.monotonic() - began
        self._note(tier, seconds, verdict)

    def summary(self) -> str:
        """Return the table of tiers, with the files that needed a second try."""
        minutes = (time.monotonic() - self.began) / 60
        lines = [f"=== summary, {minutes:.0f} min in all"]
        lines += [f"{verb:<16} {seconds:5.0f} s  {verdict}" for verb, seconds, verdict in self.rows]
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

    def _judge(self, tier: Tier, ended: Ended, found: Outcomes) -> str | None:
        """Return the verdict on a first try; None: single files may be tried once more."""
        if ended.cut_off:
            return f"FAILED (stopped after {ended.seconds:.0f} s)"
        if ended.code:
            few = len(found.failed) + len(self.second) <= SECOND_TRIES
            if tier.again and found.failed and few:
                return None
            files = f" in {', '.join(found.failed)}" if found.failed else ""
            return f"FAILED (exit code {ended.code}){files}"
        if tier.tests and not found.passed:
            return "FAILED: not one test was run; each skipped test says what it needs"
        return "passed"

    def _once_more(self, tier: Tier, failed: Mapping[str, str]) -> str:
        for file, why in failed.items():
            print(f"=== make {tier.verb}, once more: {file}\n{why}", flush=True)
            left = min(tier.minutes * 60, self.deadline - time.monotonic())
            ended, found = self._make(tier, left, file)
            if ended.code or ended.cut_off or not found.passed:
                return f"FAILED twice: {file}"
            self.second[file] = why
        return f"passed, {len(failed)} at the second try"

    def _note(self, tier: Tier, seconds: float, verdict: str) -> None:
        self.rows.append((tier.verb, seconds, verdict))
        print(f"=== {tier.verb:<16} {seconds:5.0f} s  {verdict}", flush=True)
        self.artifacts.mkdir(parents=True, exist_ok=True)
        table = "".join(f"{verb}\t{spent:.0f}\t{said}\n" for verb, spent, said in self.rows)
        again = "".join(f"second try\t{file}\t{why}\n" for file, why in self.second.items())
        (self.artifacts / "ci.tsv").write_text(table + again, "utf-8")
