"""What people find in their server on a real Kubernetes: memory to share, kernels, exports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import recipes
from support.visitor import Kernel, Visitor
from trials import Release, people

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


def test_servers_and_workers_run_under_another_account(release: Release) -> None:
    """One that the image does not know: nothing of its own account's may be needed, nor its folder."""
    who = "(os.getuid(), os.getgid(), getpass.getuser())"
    account = {"singleuser.uid": 1234, "singleuser.gid": 1235, "singleuser.fsGid": 1235}
    with release.changed(account):
        visitor = release.visitor("uma")
        people.settle(visitor)
        kernel = people.with_cluster(visitor, workers=1)
        code = f"import os, getpass\ndef who():\n    import os, getpass\n    return {who}\n"
        told = kernel.run(f"{code}print([who(), *client.run(who).values()])")
        people.close_clusters(kernel)
        people.leave(visitor)
    assert told.strip() == str([(1234, 1235, "jovyan")] * 2)
