"""Who reaches whom: connections tried from inside of pods and from the world outside."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from harness import World, processes
from support.waiting import minutes

from .release import Release

DOMAIN = "kubernetes.default.svc.cluster.local"

# Runs in every image of ours: one line of JSON, target -> "open" (also when refused by the other
# end: the packet arrived) or "dropped".
#
# One silence proves nothing on a slow machine. So there are up to three rounds, with more patience in
# each, and in each the same prober knocks at a port that is open to it (the control) beside all others:
# where that stays silent too, no silence of the round is believed. What should be open and is silent
# gets the further rounds as well; what was open once is open.
PROBE = r"""
import json, socket, struct, sys
from concurrent.futures import ThreadPoolExecutor

def ask(limit, kind, host, port, name):
    if kind == "tcp":
        socket.create_connection((host, port), limit).close()
        return
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    question = struct.pack(">6H", 7, 256, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sent:
        sent.settimeout(limit / 2)
        for again in (True, False):  # TCP knocks again by itself
            sent.sendto(question, (host, port))
            try:
                sent.recv(512)
                return
            except TimeoutError:
                if not again:
                    raise

def verdict(limit, target):
    try:
        ask(limit, *target)
    except ConnectionRefusedError:
        return "open"
    except OSError as error:
        return "dropped" if isinstance(error, TimeoutError) else f"error {error.errno}"
    return "open"

asked = json.loads(sys.argv[1])
left, found = dict(asked["targets"]), {}
for limit in asked["rounds"]:
    with ThreadPoolExecutor(50) as pool:
        control = pool.submit(verdict, limit, asked["control"])
        seen = dict(zip(left, pool.map(lambda target: verdict(limit, target), left.values())))
        works = control.result() == "open"
    found |= {name: seen[name] if works or seen[name] == "open" else "prober failed" for name in seen}
    left = {
        name: target for name, target in left.items()
        if found[name] not in ("open", "dropped") or (found[name] != "open" and name in asked["wanted"])
    }
    if not left:
        break
print(json.dumps({name: found[name] for name in asked["targets"]}))
"""


@dataclass(frozen=True)
class Target:
    """A port that somebody may try to reach."""

    host: str
    port: int
    kind: str = "tcp"

    def probe(self) -> list[Any]:
        """Return it as the probe takes it."""
        return [self.kind, self.host, self.port, DOMAIN]


DNS = Target("10.96.0.10", 53)
"""Open to all pods, also those that no policy of ours selects: the control of probes."""


def from_pod(
    release: Release,
    pod: Mapping[str, Any],
    targets: Mapping[str, Target],
    *,
    wanted: Iterable[str] = (),
) -> dict[str, str]:
    """Try all targets from inside a pod; those wanted open get three tries."""
    return dict(json.loads(release.run_in(pod, PROBE, question(targets, wanted, DNS))))


def from_world(
    world: World, targets: Mapping[str, Target], *, wanted: Iterable[str], control: Target
) -> dict[str, str]:
    """Try all targets from a machine outside of the cluster, to which the control is open."""
    asked = question(targets, wanted, control)
    command = processes.entered(world.netns, [sys.executable, "-c", PROBE, asked])
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=minutes(5))
    return dict(json.loads(done.stdout))


ROUNDS = (3.0, 10.0, 30.0)
"""Seconds that a knock waits, in each round."""


def question(
    targets: Mapping[str, Target],
    wanted: Iterable[str],
    control: Target,
    rounds: Sequence[float] = ROUNDS,
) -> str:
    """Return what the probe is asked."""
    return json.dumps(
        {
            "targets": {name: target.probe() for name, target in targets.items()},
            "wanted": [*wanted],
            "control": control.probe(),
            "rounds": rounds,
        }
    )


def address(pod: Mapping[str, Any]) -> str:
    """Return a pod's address."""
    return str(pod["status"]["podIP"])


@dataclass
class Matrix:
    """Verdicts by source and target, beside what is expected."""

    expected: dict[str, set[str]]
    """Source -> targets that it may reach; all others must be dropped."""
    seen: dict[str, dict[str, str]]

    @classmethod
    def probe(
        cls,
        release: Release,
        sources: Mapping[str, Mapping[str, Any]],
        targets: Mapping[str, Target],
        *,
        expected: Mapping[str, Collection[str]],
    ) -> Matrix:
        """Try every pair of a pod and a target that is not the pod itself."""

        def one(source: str) -> dict[str, str]:
            pod = sources[source]
            others = {n: t for n, t in targets.items() if t.host != address(pod)}
            return from_pod(release, pod, others, wanted=expected[source])

        with ThreadPoolExecutor(3) as pool:
            seen = dict(zip(sources, pool.map(one, sources), strict=True))
        return cls({name: set(allowed) for name, allowed in expected.items()}, seen)

    def wrong(self) -> list[str]:
        """Return the pairs whose verdict is not the expected one."""
        return [
            f"{source} -> {target}: {verdict}, expected {self.wanted(source, target)}"
            for source, found in self.seen.items()
            for target, verdict in found.items()
            if verdict != self.wanted(source, target)
        ]

    def wanted(self, source: str, target: str) -> str:
        """Return the expected verdict."""
        return "open" if target in self.expected[source] else "dropped"

    def markdown(self, targets: Iterable[str]) -> str:
        """Return a table: targets by line, sources by column; a wrong verdict is marked."""
        sources = list(self.seen)
        lines = ["| to \\ from | " + " | ".join(sources) + " |", "|---" * (len(sources) + 1) + "|"]
        for target in targets:
            cells = [self._cell(source, target) for source in sources]
            lines.append(f"| {target} | " + " | ".join(cells) + " |")
        return "\n".join(lines)

    def _cell(self, source: str, target: str) -> str:
        found = self.seen[source].get(target)
        if found is None:
            return "itself"
        sign = {"open": "open", "dropped": "."}.get(found, found)
        return sign if found == self.wanted(source, target) else f"**{sign} (wrong)**"
