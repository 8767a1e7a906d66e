"""Who reaches whom: connections tried from inside of pods and from the world outside."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from harness import World, processes

from .release import Release

DOMAIN = "kubernetes.default.svc.cluster.local"

# Runs in every image of ours: one line of JSON, target -> "open" (also when refused by the other
# end: the packet arrived) or "dropped".
PROBE = r"""
import json, socket, struct, sys
from concurrent.futures import ThreadPoolExecutor

def ask(kind, host, port, name):
    if kind == "tcp":
        socket.create_connection((host, port), 3).close()
        return
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    question = struct.pack(">6H", 7, 256, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sent:
        sent.settimeout(3)
        sent.sendto(question, (host, port))
        sent.recv(512)

def verdict(target):
    for _ in range(2 if target[0] == "udp" else 1):  # TCP knocks again by itself
        try:
            ask(*target)
        except ConnectionRefusedError:
            return "open"
        except OSError as error:
            found = "dropped" if isinstance(error, TimeoutError) else f"error {error.errno}"
        else:
            return "open"
    return found

targets = json.loads(sys.argv[1])
with ThreadPoolExecutor(40) as pool:
    print(json.dumps(dict(zip(targets, pool.map(verdict, targets.values())))))
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


def from_pod(
    release: Release, pod: Mapping[str, Any], targets: Mapping[str, Target]
) -> dict[str, str]:
    """Try all targets from inside a pod."""
    wanted = json.dumps({name: target.probe() for name, target in targets.items()})
    return dict(json.loads(release.run_in(pod, PROBE, wanted)))


def from_world(world: World, targets: Mapping[str, Target]) -> dict[str, str]:
    """Try all targets from a machine outside of the cluster."""
    wanted = json.dumps({name: target.probe() for name, target in targets.items()})
    command = processes.entered(world.netns, [sys.executable, "-c", PROBE, wanted])
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


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
        expected: Mapping[str, Iterable[str]],
    ) -> Matrix:
        """Try every pair of a pod and a target that is not the pod itself."""

        def one(source: str) -> dict[str, str]:
            pod = sources[source]
            others = {n: t for n, t in targets.items() if t.host != address(pod)}
            return from_pod(release, pod, others)

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
