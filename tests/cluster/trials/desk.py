"""A user at work: what must survive when something breaks or is replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests
from support.visitor import Kernel, Visitor
from support.waiting import eventually, minutes

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
        kernel.run("open('kept.txt', 'w').write('kept')")
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

    def lost_nothing(self, token: str, *, new_proxy: bool = False) -> None:
        """Check server, kernel, cluster and its work; log-in, token and home.

        A new gateway proxy ends the connections of Dask's clients, and Dask then forgets what these
        had submitted; cluster and workers stay, and take the next work.
        """
        if new_proxy:
            self.release.until(self._computes, "a result of the same cluster", within=10)
            self.resume()
        self.goes_on()
        # By the cookie from before.
        self.release.until(self.visitor.server_answers, f"the server of {self.visitor.name}")
        headers = {"Authorization": f"token {token}"}
        answer = requests.get(
            f"{self.visitor.url}hub/api/user", headers=headers, timeout=minutes(2)
        )
        assert answer.status_code == 200
        assert answer.json()["name"] == self.visitor.name
        assert self.kernel.run("open('kept.txt').read()") == "'kept'"
        listed = self.kernel.run("print([one.name for one in gateway.list_clusters()])")
        assert self.cluster in listed

    def _computes(self) -> bool:
        """Tell whether the cluster computes, by a new client if the old one has given up."""
        again = (
            "client = cluster.get_client() if client.status == 'closed' else client; "
            "print(works(60))"
        )
        return bool(self.kernel.run(again))

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
