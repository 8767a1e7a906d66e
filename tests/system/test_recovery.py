"""Kill the parts one after another while a user works: what survives, and how soon it is whole.

The table goes to ``artifacts/recovery.md``; docs/explanation/local-mode.md holds a measured copy.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import requests
from support.datalab import Datalab, Kernel, Visitor
from support.waiting import Waited, eventually, minutes

from geodes_datalab.local import family

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]

PREPARE = """
import time, dask.array
import geodes_datalab as gd
from dask_gateway import Gateway
gateway = Gateway()
cluster = gateway.new_cluster()
cluster.scale(2)
client = cluster.get_client()
client.wait_for_workers(2, timeout=300)
remembered = 42

def works(seconds=150):
    'Return the seconds until the cluster answers a computation.'
    began = time.monotonic()
    total = client.submit(sum, range(1000), pure=False).result(timeout=seconds)
    assert total == 499500
    return time.monotonic() - began

long = client.map(lambda i: (__import__('time').sleep(0.5), i)[1], range(400), pure=False)
"""


@dataclass
class Scene:
    """A datalab in use."""

    datalab: Datalab
    alice: Visitor
    kernel: Kernel
    rows: list[tuple[str, ...]]

    def kill(self, name: str) -> int:
        """Kill a part and return the process number that it had."""
        pid = int(self.datalab.part(name)["pid"])
        os.kill(pid, signal.SIGKILL)
        return pid

    def until_ready_again(self, name: str, old: int) -> float:
        """Return the seconds until the supervisor calls a part ready, as a new process."""

        def ready() -> bool:
            part = self.datalab.part(name)
            return part["state"] == "ready" and part["pid"] not in (0, old)

        return self.wait(ready, f"restart of {name}").seconds

    def wait(self, check: Callable[[], bool], what: str) -> Waited[bool]:
        """Wait as `eventually` does; a failure shows the ends of the logs."""
        return eventually(check, what, within=4, scene=self.datalab.tails)

    def processes(self, sign: str) -> list[psutil.Process]:
        """Return the processes of users whose command line holds a sign."""
        found = family.members(str(self.datalab.state_dir.resolve()))
        return [p for p in found if sign in " ".join(p.cmdline())]

    def still_there(self) -> None:
        """Check that server, kernel and its variables, and the cluster's work are untouched."""
        assert self.kernel.run("remembered") == "42"
        assert self.kernel.run("print(sum(f.status == 'error' for f in long))").strip() == "0"


@pytest.fixture(scope="module")
def scene(
    tmp_path_factory: pytest.TempPathFactory, shared_cache: Path, pytestconfig: pytest.Config
) -> Iterator[Scene]:
    state = tmp_path_factory.mktemp("recovery") / "state"
    environment = {**os.environ, "XDG_CACHE_HOME": str(shared_cache.parent)}
    rows: list[tuple[str, ...]] = []
    with Datalab.start(state, environment=environment) as datalab:
        alice = datalab.visitor("alice")
        alice.spawn()
        kernel = alice.kernel()
        kernel.run(PREPARE)
        yield Scene(datalab, alice, kernel, rows)
    write_table(pytestconfig.rootpath / "artifacts" / "recovery.md", rows)


def write_table(path: Path, rows: list[tuple[str, ...]]) -> None:
    lines = ["| Killed (SIGKILL) | Goes on meanwhile | Whole again after |", "|---|---|---|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    print("\n" + path.read_text())


def test_hub(scene: Scene) -> None:
    server = scene.processes("jupyterhub.singleuser")[0].pid
    old = scene.kill("hub")
    scene.still_there()  # through the proxy, while there is no hub
    seconds = scene.until_ready_again("hub", old)
    scene.datalab.visitor("alice").get("lab").raise_for_status()
    assert scene.alice.server_answers()
    assert scene.processes("jupyterhub.singleuser")[0].pid == server
    scene.still_there()
    survivors = "user servers (found again), kernels, websockets, Dask clusters; no new log-in"
    scene.rows.append(("JupyterHub", survivors, f"{seconds:.1f} s"))


def test_proxy(scene: Scene) -> None:
    began, old = time.monotonic(), scene.kill("proxy")
    scene.until_ready_again("proxy", old)
    scene.wait(scene.alice.server_answers, "alice's route")
    seconds = time.monotonic() - began
    scene.still_there()
    survivors = "hub, user servers, kernels, Dask clusters; browsers lose and renew connections"
    scene.rows.append(("configurable-http-proxy", survivors, f"{seconds:.1f} s, user routes too"))


def test_gateway(scene: Scene) -> None:
    name = scene.kernel.run("print(cluster.name)").strip()
    workers = {p.pid for p in scene.processes("dask worker")}
    old = scene.kill("gateway")
    meanwhile = float(scene.kernel.run("print(works())"))
    seconds = scene.until_ready_again("gateway", old)
    assert name in scene.kernel.run("print([c.name for c in gateway.list_clusters()])")
    assert {p.pid for p in scene.processes("dask worker")} == workers
    code = "cluster.scale(3); client.wait_for_workers(3, timeout=150); print(works())"
    scene.kernel.run(code)
    scene.kernel.run("cluster.scale(2)")
    scene.still_there()
    survivors = f"Dask clusters and their computations (a result after {meanwhile:.1f} s); opening and scaling wait"
    scene.rows.append(("Dask Gateway's API", survivors, f"{seconds:.1f} s, clusters known again"))


def test_gateway_proxy(scene: Scene) -> None:
    began, old = time.monotonic(), scene.kill("gateway-proxy")
    scene.until_ready_again("gateway-proxy", old)
    scene.kernel.run("print(works())")
    seconds = time.monotonic() - began
    scene.still_there()
    survivors = "clusters and computations; the client loses its connection and reconnects"
    scene.rows.append(("Dask Gateway's proxy", survivors, f"{seconds:.1f} s until a result"))


def test_worker(scene: Scene) -> None:
    scene.wait(lambda: len(workers(scene)) == 2, "two workers")
    known = workers(scene)
    leader = min(p.pid for p in scene.processes("-m dask worker"))
    began = time.monotonic()
    os.killpg(leader, signal.SIGKILL)  # the worker and its nanny
    scene.wait(
        lambda: sorted(one in known for one in workers(scene)) == [False, True], "a new worker"
    )
    seconds = time.monotonic() - began
    scene.still_there()
    survivors = "everything; its tasks run again elsewhere"
    scene.rows.append(("a Dask worker", survivors, f"{seconds:.1f} s until its replacement works"))


def workers(scene: Scene) -> set[str]:
    """Return the addresses of the workers: a new one has a new one."""
    return set(scene.kernel.run("print(*client.scheduler_info(-1)['workers'])").split())


def test_scheduler(scene: Scene) -> None:
    known = {p.pid for p in scene.processes("-m dask scheduler")}
    scene.kernel.run("second = gateway.new_cluster(shutdown_on_close=False); name = second.name")
    new = next(p for p in scene.processes("-m dask scheduler") if p.pid not in known)
    began = time.monotonic()
    new.kill()
    gone = "print(name not in [c.name for c in gateway.list_clusters()])"
    scene.wait(lambda: scene.kernel.run(gone).strip() == "True", "the cluster's failure")
    seconds = time.monotonic() - began
    scene.still_there()
    survivors = "everything else, other clusters of the same user too; this cluster is lost"
    row = (
        "a Dask scheduler",
        survivors,
        f"{seconds:.1f} s until it is called failed and tidied up",
    )
    scene.rows.append(row)


def test_catalogue(scene: Scene) -> None:
    search = "print(len(gd.search('PEPS_S2_L1C', limit=1)))"
    assert scene.kernel.run(search).strip().endswith("1")
    old = scene.kill("catalogue")
    seconds = scene.until_ready_again("catalogue", old)
    assert scene.kernel.run(search).strip().endswith("1")
    scene.still_there()
    survivors = "everything; searches are retried and wait"
    scene.rows.append(("the sample catalogue", survivors, f"{seconds:.1f} s"))


def test_culler(scene: Scene) -> None:
    seconds = scene.until_ready_again("culler", scene.kill("culler"))
    scene.rows.append(("the idle culler", "everything", f"{seconds:.1f} s"))


def test_user_server(scene: Scene) -> None:
    bob = scene.datalab.visitor("bob")
    bob.spawn()
    server = next(
        p for p in scene.processes("jupyterhub.singleuser") if p.environ()["USER"] == "bob"
    )
    server.kill()
    began = time.monotonic()
    scene.wait(lambda: not bob.server_answers(), "the loss of bob's server")
    bob.spawn()  # as soon as the hub has noticed it
    seconds = time.monotonic() - began
    scene.still_there()
    survivors = "everybody else; this user's kernels are lost, files are kept"
    scene.rows.append(("a user's server", survivors, f"{seconds:.1f} s, when started again"))


def test_supervisor(scene: Scene) -> None:
    """The last test: without a supervisor everything ends, and the next start finds a clean place."""
    state = str(scene.datalab.state_dir.resolve())
    began = time.monotonic()
    os.kill(scene.datalab.refresh()["pid"], signal.SIGKILL)
    scene.wait(lambda: not family.members(state), "end of everything")
    seconds = time.monotonic() - began
    assert no_listener(scene.datalab.url)
    again = scene.datalab.command("up", "--background", "--port=auto")
    assert "ready" in again.stdout
    scene.datalab.refresh()
    alice = scene.datalab.visitor("alice")
    alice.spawn()
    assert alice.kernel().run("1 + 1") == "2"
    row = ("the supervisor", "nothing: all parts, servers and clusters end by themselves")
    scene.rows.append((*row, f"all ended after {seconds:.1f} s; the next `up` starts cleanly"))


def no_listener(url: str) -> bool:
    try:
        requests.get(url, timeout=minutes(1))
    except requests.ConnectionError:
        return True
    return False
