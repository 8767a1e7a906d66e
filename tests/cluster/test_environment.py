"""What people find in their server on a real Kubernetes: memory to share, exports, recipes, the site's authority."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import clients
import pytest
import trustme
from harness import Cluster, processes
from support import recipes
from support.visitor import Kernel, Visitor
from support.waiting import eventually, minutes
from trials import Release, closed, people

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600)]

SHARED = 200_000_000
# A kernel that shares an array with a process of its own: above the 64 MB of a container, it died.
SHARE = f"""
import subprocess, sys
from multiprocessing import shared_memory
import numpy as np
block = shared_memory.SharedMemory(create=True, size={SHARED})
np.frombuffer(block.buf, dtype="u1")[:] = 7
reader = (
    "import sys, numpy as np\\n"
    "from multiprocessing import shared_memory\\n"
    "block = shared_memory.SharedMemory(name=sys.argv[1], track=False)\\n"
    "print(int(np.frombuffer(block.buf, dtype='u1').sum()))\\n"
)
print(subprocess.run([sys.executable, "-c", reader, block.name], capture_output=True, text=True).stdout)
block.unlink()
"""
ASK = """
import subprocess, sys
print(subprocess.run([sys.executable, "clients.py", "{address}"], capture_output=True, text=True).stdout)
"""
ON_WORKERS = f"""
def share():
    import os
    with open("/dev/shm/block", "wb") as file:
        file.write(bytes({SHARED}))
    size = os.statvfs("/dev/shm")
    os.remove("/dev/shm/block")
    return size.f_blocks * size.f_frsize

print(sorted(client.run(share).values()) + [client.run_on_scheduler(share)])
"""


def test_a_kernel_shares_200_mb(alice: Visitor, release: Release) -> None:
    assert alice.kernel().run(SHARE).strip() == str(7 * SHARED)
    container = release.user_pod("alice")["spec"]["containers"][0]
    volumes = {one["name"]: one for one in release.user_pod("alice")["spec"]["volumes"]}
    mounts = {one["mountPath"]: one["name"] for one in container["volumeMounts"]}
    assert volumes[mounts["/dev/shm"]]["emptyDir"] == {"medium": "Memory", "sizeLimit": "1Gi"}


def test_dask_s_processes_share_200_mb(desk: Kernel) -> None:
    sizes = json.loads(desk.run(ON_WORKERS))
    assert len(sizes) >= 2
    assert all(SHARED < size <= 2**30 for size in sizes)


def test_what_is_shared_counts_in_the_memory_limit(alice: Visitor) -> None:
    """The hint of the docs: it is no memory on top."""
    read = (
        "from pathlib import Path\n"
        "names = ('memory/memory.usage_in_bytes', 'memory.current')\n"
        "place = next(p for n in names if (p := Path('/sys/fs/cgroup', n)).exists())\n"
        "before = int(place.read_text())\n"
        "block = open('/dev/shm/block', 'wb', buffering=0)\n"
        f"block.write(bytes({SHARED}))\n"
        "print(int(place.read_text()) - before)\n"
        "block.close(); Path('/dev/shm/block').unlink()\n"
    )
    assert int(alice.kernel().run(read)) > 0.9 * SHARED


def test_every_export_that_is_offered_gives_a_file(alice: Visitor) -> None:
    notebook = "notebooks/01-start/01-first-steps.ipynb"
    offered = alice.get("api/nbconvert").json()
    answers = {kind: alice.get(f"nbconvert/{kind}/{notebook}?download=true") for kind in offered}
    assert {kind: one.status_code for kind, one in answers.items()} == dict.fromkeys(offered, 200)
    assert answers["pdf"].content.startswith(b"%PDF-")


def test_every_recipe_works_in_a_terminal(alice: Visitor, tmp_path: Path) -> None:
    """What the documentation tells users of a hub to type."""
    recipes.assert_work(alice, tmp_path, image=True)


@pytest.fixture(scope="module")
def authority(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The certificate of the authority of a site's server, which runs beyond the cluster meanwhile."""
    authority, folder = trustme.CA(), tmp_path_factory.mktemp("site")
    authority.cert_pem.write_to_path(str(folder / closed.CERTIFICATE))
    authority.private_key_pem.write_to_path(str(folder / closed.KEY))
    world, log = cluster.outside["private"], cluster.places.logs / f"{closed.NAME}.log"
    log.unlink(missing_ok=True)
    program = [sys.executable, closed.__file__, world.host, str(folder)]
    processes.start(cluster.places, closed.NAME, processes.entered(world.netns, program), {})
    try:
        eventually(lambda: "serves" in log.read_text(), "the site serves", scene=log.read_text)
        yield (folder / closed.CERTIFICATE).read_text()
    finally:
        processes.stop(cluster.places, closed.NAME)


@pytest.fixture(scope="module")
def uma(release: Release, cluster: Cluster, authority: str) -> Iterator[Visitor]:
    """Somebody on a hub with an authority, and an account of servers, of its site's own."""
    account = {"singleuser.uid": 1234, "singleuser.gid": 1235, "singleuser.fsGid": 1235}
    with release.changed(account | closed.values(cluster.outside["private"].host, authority)):
        visitor = release.visitor("uma")
        people.settle(visitor)
        yield visitor
        people.leave(visitor)


def test_servers_and_workers_run_under_another_account(uma: Visitor) -> None:
    """One that the image does not know: nothing of its own account's may be needed, nor its folder."""
    who = "(os.getuid(), os.getgid(), getpass.getuser())"
    kernel = people.with_cluster(uma, workers=1)
    code = f"import os, getpass\ndef who():\n    import os, getpass\n    return {who}\n"
    told = kernel.run(f"{code}print([who(), *client.run(who).values()])")
    people.close_clusters(kernel)
    assert told.strip() == str([(1234, 1235, "jovyan")] * 2)


def test_every_client_trusts_the_authority_of_the_site(uma: Visitor, cluster: Cluster) -> None:
    """By the variables that the chart sets alone; tests/images has what each client needs."""
    uma.upload("clients.py", Path(clients.__file__).read_bytes())
    address = f"https://{cluster.outside['private'].host}:{closed.PORT}"
    found = people.reply(uma.kernel().run(ASK.format(address=address), timeout=minutes(15)))
    there = {name: one for name, one in found.items() if one["said"] != "absent"}
    trusting = {name: one for name, one in there.items() if clients.CLIENTS[name].by}
    assert {name: one["said"] for name, one in trusting.items() if one["said"] != "works"} == {}
    assert len(trusting) >= 25
