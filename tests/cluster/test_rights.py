"""After everything else: the API server's audit log beside the Roles of the chart.

The table goes to artifacts/cluster-rights.md.
"""

from __future__ import annotations

import pytest
from harness import Cluster, ClusterError
from trials import Release, Table, audit, people

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def account(cluster: Cluster, release: Release) -> audit.Account:
    """What the log tells of the whole tier; where this module runs alone, of what it does itself."""
    found = audit.account(cluster, release.namespaces)
    if not unused(cluster, release, found):
        return found
    use_everything(release)
    return audit.account(cluster, release.namespaces)


def unused(cluster: Cluster, release: Release, account: audit.Account) -> list[str]:
    rights = audit.granted(cluster, release.namespaces)
    return [str(right) for right in sorted(rights) if right not in account.used]


def use_everything(release: Release) -> None:
    """A new home and the same one again; a cluster's life, until its record is tidied away."""
    people.start_afresh(release, "auditor")
    auditor = release.visitor("auditor")
    people.settle(auditor)
    people.leave(auditor)
    with people.no_more_homes(release):  # only then the hub looks whether the home is there
        people.settle(auditor)
    people.close_clusters(people.with_cluster(auditor, workers=1))
    release.until(
        lambda: not release.get("daskclusters"), "end of the clusters' records", within=10
    )
    people.leave(auditor)


def test_nothing_is_granted_everywhere(cluster: Cluster, release: Release) -> None:
    assert audit.cluster_wide(cluster, release.namespaces) == []


def test_nothing_was_refused(account: audit.Account) -> None:
    assert sum(account.used.values()) > 100
    print("\n".join(["", *account.excused]))
    assert account.refused == []


def test_every_right_was_used(cluster: Cluster, release: Release, account: audit.Account) -> None:
    rights = audit.granted(cluster, release.namespaces)
    table = Table("cluster-rights", ["account", "namespace", "right", "requests"])
    for right in sorted(rights):
        uses = account.used.get(right, 0)
        table.add(right.account, right.namespace, f"{right.verb} {right.resource}", uses)
    print(f"\n{table}")
    assert len(rights) > 15
    assert unused(cluster, release, account) == []


def test_secrets_are_out_of_reach(cluster: Cluster, release: Release) -> None:
    """In two namespaces, nobody but the operator reads the Secret of hub and proxy."""
    for component in ("hub", "gateway-api", "gateway-controller"):
        who = f"--as=system:serviceaccount:{release.namespace}:{release.name}-{component}"
        secret = f"secret/{release.name}-secrets"
        try:
            answer = cluster.kubectl("auth", "can-i", "get", secret, "-n", release.namespace, who)
        except ClusterError as error:  # `no` is an exit code of 1
            answer = str(error)
        assert "no" in answer.split(), component
