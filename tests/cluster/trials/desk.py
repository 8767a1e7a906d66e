"""A user at work: what must survive when something breaks or is replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from support.visitor import Kernel, Visitor
from support.waiting import eventually

from . import people
from .release import Release

LONG = """
remembered = 42
long = client.map(lambda i: (__import__('time').sleep(2), i)[1], range(10_000), pure=False)
"""
"""On two workers this lasts for almost three hours: longer than any module that has a desk."""


@dataclass
class Desk:
    """A server, a kernel with a variable, and a cluster that computes."""

    release: Release
    visitor: Visitor
    kernel: Kernel
    pod: dict[str, Any]
    cluster: str

    @classmethod
    def open(cls, release: Release, visitor: Visitor) -> Desk:
        """Open a kernel and a cluster of two workers with work for hours."""
        kernel = people.with_cluster(visitor, workers=2)
        kernel.run(LONG)
        pod = release.user_pod(visitor.name)
        return cls(release, visitor, kernel, pod, people.cluster_name(kernel))

    def done(self) -> int:
        """Return how many tasks are done; an error of any is a failure.

        A task whose result went with a worker is "lost" for a moment, until it runs again.
        """
        code = (
            "states = [one.status for one in long]\n"
            "assert not {'error', 'cancelled'} & {*states}, {*states}\n"
            "print(states.count('finished'))"
        )
        return int(self.kernel.run(code))

    def server_goes_on(self) -> None:
        """Check that server and kernel are the same as ever."""
        now = self.release.user_pod(self.visitor.name)
        assert now["metadata"]["uid"] == self.pod["metadata"]["uid"]
        assert now["status"]["containerStatuses"][0]["restartCount"] == 0
        assert self.kernel.run("remembered") == "42"

    def goes_on(self) -> None:
        """Check that server, kernel and the cluster's work go on."""
        self.server_goes_on()
        before = self.done()
        eventually(
            lambda: self.done() > before,
            "progress of the computation",
            within=5,
            scene=self.release.describe,
        )

    def resume(self) -> bool:
        """Give the cluster work again after its client lost it; tell whether it is the same client."""
        code = (
            "same = client.status == 'running'\n"
            "client = client if same else cluster.get_client()\n"
            f"{LONG}\nprint(same)"
        )
        return self.kernel.run(code).strip() == "True"

    def close(self) -> None:
        """Cancel the work and close the cluster, where they are still there."""
        people.close_clusters(self.kernel, first="client.cancel(long)")
