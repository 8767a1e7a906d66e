"""After everything else: the API server's audit log beside the Roles of the chart.

The table goes to artifacts/cluster-rights.md.
"""

from __future__ import annotations

import pytest
from harness import Cluster
from trials import Release, Table, audit

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def account(cluster: Cluster, release: Release) -> audit.Account:
    return audit.account(cluster, release.namespaces)


def test_nothing_is_granted_everywhere(cluster: Cluster, release: Release) -> None:
    assert audit.cluster_wide(cluster, release.namespaces) == []


def test_nothing_was_refused(account: audit.Account) -> None:
    assert sum(account.used.values()) > 100
    print("\n".join(["", *account.excused]))
    assert account.refused == []


def test_every_right_was_used(
    cluster: Cluster, release: Release, account: audit.Account, pytestconfig: pytest.Config
) -> None:
    """Needs the whole tier: single modules do not use everything."""
    rights = audit.granted(cluster, release.namespaces)
    table = Table("cluster-rights", ["account", "namespace", "right", "requests"])
    for right in sorted(rights):
        uses = account.used.get(right, 0)
        table.add(right.account, right.namespace, f"{right.verb} {right.resource}", uses)
    print(f"\n{table}")
    assert len(rights) > 15
    assert [str(right) for right in sorted(rights) if right not in account.used] == []


def test_secrets_are_out_of_reach(cluster: Cluster, release: Release) -> None:
    """In two namespaces, nobody but the operator reads the Secret of hub and proxy."""
    for component in ("hub", "gateway-api", "gateway-controller"):
        who = f"--as=system:serviceaccount:{release.namespace}:{release.name}-{component}"
        secret = f"secret/{release.name}-secrets"
        try:
            answer = cluster.kubectl("auth", "can-i", "get", secret, "-n", release.namespace, who)
        except Exception as error:  # noqa: BLE001  # `no` is an exit code of 1
            answer = str(error)
        assert "no" in answer.split(), component
