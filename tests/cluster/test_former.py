"""From an earlier chart, with its images, to this one, while somebody works: nothing is lost.

``DATALAB_FORMER=CHART:TAG`` names the folder of an earlier chart (``git worktree add``), and the tag under
which ``scripts/images`` built its images: ``TAG=former scripts/images`` there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Cluster
from support.visitor import Visitor
from trials import IMAGES, Release, people
from trials.desk import Desk
from trials.release import image_of

FORMER = os.environ.get("DATALAB_FORMER", "")
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not FORMER, reason="needs DATALAB_FORMER=CHART:TAG, an earlier chart"),
]


@pytest.fixture(scope="module")
def former(cluster: Cluster) -> Iterator[Release]:
    """The earlier chart, in namespaces of its own."""
    chart, _, tag = FORMER.rpartition(":")
    for image in IMAGES:
        cluster.load(f"{image.rpartition(':')[0]}:{tag}")
    release = Release(
        cluster, namespace="former", dask_namespace="former-dask", chart=Path(chart), tag=tag
    )
    release.install()
    yield release
    release.uninstall()


@pytest.fixture(scope="module")
def carol(former: Release) -> Visitor:
    carol = former.visitor("carol")
    people.settle(carol)
    return carol


def test_an_earlier_release_is_upgraded_under_a_user_who_works(
    former: Release, carol: Visitor
) -> None:
    this = Release(former.cluster)
    token = people.token(carol)
    desk = Desk.open(former, carol)
    secrets = {key: former.secret(key) for key in ("hub.cookie-secret", "auth.password")}
    former.chart, former.tag = this.chart, this.tag
    former.upgrade()
    assert image_of(former.pod("hub")).endswith(f":{this.tag}")
    desk.lost_nothing(token, new_proxy=True)
    assert {key: former.secret(key) for key in secrets} == secrets
    desk.close()

    carol.stop()
    former.until(lambda: not carol.server_pending(), "the end of the old server")
    people.settle(carol)
    assert image_of(former.user_pod("carol")).endswith(f":{this.tag}")
    kernel = people.with_cluster(carol, workers=1)
    assert kernel.run("open('kept.txt').read()") == "'kept'"
    people.leave(carol)
