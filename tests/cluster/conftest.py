"""One cluster and one installed datalab for the whole session, and people who use it.

KEEP=1 leaves both as they are at the end, and the next run uses them again. CLUSTER_NAMESPACE and
CLUSTER_TAG (of the images) keep several people on one cluster apart.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from harness import Cluster, images
from support.visitor import Kernel, Visitor
from trials import IMAGES, Release, people

# What breaks or replaces things comes last; the audit looks back at everything.
ORDER = (
    "test_install",
    "test_environment",
    "test_browser",
    "test_packets",
    "test_strangers",
    "test_lifecycle",
    "test_way_out",
    "test_hpda",
    "test_class",
    "test_upgrade",
    "test_faults",
    "test_rights",
    "test_one_namespace",
    "test_former",
)
ADDRESSES = "127.0.0.1,::1,localhost,10.245.0.1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if item.get_closest_marker("cluster")]
    for item in here:
        item.add_marker(pytest.mark.allow_hosts(ADDRESSES.split(",")))
    others = [item for item in items if item not in here]
    items[:] = others + sorted(here, key=_position)


def _position(item: pytest.Item) -> int:
    name = Path(str(item.path)).stem
    return ORDER.index(name) if name in ORDER else -1


@pytest.fixture(scope="session")
def keep() -> bool:
    return bool(os.environ.get("KEEP"))


@pytest.fixture(scope="session")
def cluster(shared_cache: Path, keep: bool) -> Iterator[Cluster]:
    """A Kubernetes with our images in it; skips where this machine cannot run one."""
    cluster = Cluster(cache=shared_cache / "cluster", report=print)
    if reason := cluster.why_not():
        pytest.skip(f"no test cluster on this machine: {reason}")
    ours = cluster.up(tied=not keep) and not keep  # a start that fails cleans up behind itself
    try:
        known = images.names(cluster.places) if keep else {}
        for image in IMAGES:
            if image not in known:
                cluster.load(image)
        yield cluster
    finally:
        if ours:
            cluster.down()


@pytest.fixture(scope="session")
def started() -> SimpleNamespace:
    """Seconds until each component of the first installation was ready."""
    return SimpleNamespace(seconds={})


@pytest.fixture(scope="session")
def release(cluster: Cluster, keep: bool, started: SimpleNamespace) -> Release:
    """The datalab in two namespaces: the layout that we recommend."""
    prefix = os.environ.get("CLUSTER_NAMESPACE", "datalab")
    port = 30080 if prefix == "datalab" else None
    release = Release(cluster, namespace=prefix, dask_namespace=f"{prefix}-dask", port=port)
    if keep and release.installed():
        release.rolled_out()
    else:
        started.seconds = release.install()
    return release


@pytest.fixture(scope="session")
def settled(release: Release) -> Callable[[str], Visitor]:
    """Return a function that gives a person whose server runs; the same one for the same name."""
    known: dict[str, Visitor] = {}

    def person(name: str) -> Visitor:
        if name not in known:
            known[name] = release.visitor(name)
        people.settle(known[name])
        return known[name]

    return person


@pytest.fixture(scope="module")
def alice(settled: Callable[[str], Visitor]) -> Visitor:
    return settled("alice")


@pytest.fixture(scope="module")
def bob(settled: Callable[[str], Visitor]) -> Visitor:
    return settled("bob")


@pytest.fixture(scope="module")
def desk(alice: Visitor) -> Iterator[Kernel]:
    """A kernel of alice's with a cluster of two workers, named `cluster`, and its `client`."""
    kernel = people.with_cluster(alice, workers=2)
    yield kernel
    people.close_clusters(kernel)


@pytest.fixture(scope="module")
def bobs_desk(bob: Visitor) -> Iterator[Kernel]:
    kernel = people.with_cluster(bob, workers=1)
    yield kernel
    people.close_clusters(kernel)
