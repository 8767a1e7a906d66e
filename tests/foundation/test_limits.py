"""What control groups leave to a process, read from folders as kernels show them and from a real group."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.control_groups import limited, shown

from geodes_datalab import _limits

UNIFIED = {"/sys/fs/cgroup": "cgroup2 cgroup2 rw"}
FORMER = {
    "/sys/fs/cgroup/cpu,cpuacct": "cgroup cgroup rw,cpu,cpuacct",
    "/sys/fs/cgroup/memory": "cgroup cgroup rw,memory",
    "/sys/fs/cgroup/cpuset": "cgroup cgroup rw,cpuset",
}
NOTHING: dict[str, str] = {}


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_limits, "usable", lambda: 8)


@pytest.mark.parametrize(
    ("text", "cores"),
    [("100000 100000", 1), ("150000 100000", 2), ("10000 100000", 1), ("200000 50000", 4),
     ("9900000 100000", 8), ("max 100000", None), ("", None)],
)  # fmt: skip
def test_a_pod_of_version_2(tmp_path: Path, text: str, cores: int | None) -> None:
    """The pod's own group is the first that it sees; fractions round up, the machine is the most."""
    root = shown(tmp_path, groups="0::/\n", mounts=UNIFIED, files={"cpu.max": text})
    assert _limits.cores(root, NOTHING) == cores


def test_the_narrowest_of_the_enclosing_groups_counts(tmp_path: Path) -> None:
    files = {
        "cpu.max": "max 100000",
        "kubepods/cpu.max": "400000 100000",
        "kubepods/pod/cpu.max": "200000 100000",
        "kubepods/pod/box/cpu.max": "max 100000",
        "kubepods/other/cpu.max": "100000 100000",
    }
    root = shown(tmp_path, groups="0::/kubepods/pod/box\n", mounts=UNIFIED, files=files)
    assert _limits.cores(root, NOTHING) == 2


@pytest.mark.parametrize("quota", ["150000", "-1"])
def test_a_pod_of_version_1(tmp_path: Path, quota: str) -> None:
    """Its groups are told by their place on the node, of which only the end is mounted."""
    place = "/kubepods/pod1/box"
    mounts = {f"{point}:{place}": kind for point, kind in FORMER.items()}
    files = {
        "cpu,cpuacct/cpu.cfs_quota_us": quota,
        "cpu,cpuacct/cpu.cfs_period_us": "100000",
        "memory/memory.limit_in_bytes": "4294967296",
        "memory/memory.usage_in_bytes": "3000000000",
        "memory/memory.stat": "cache 9\ntotal_inactive_file 1000000000",
    }
    groups = f"5:cpuset:{place}\n4:memory:{place}\n2:cpu,cpuacct:{place}\n1:name=systemd:{place}\n"
    root = shown(tmp_path, groups=groups, mounts=mounts, files=files)
    assert _limits.cores(root, NOTHING) == (None if quota == "-1" else 2)
    assert _limits.memory(root, NOTHING) == 2**32
    assert _limits.free(root, NOTHING) == 2**32 - 2_000_000_000


def test_memory_of_version_2(tmp_path: Path) -> None:
    files = {
        "memory.max": "max",
        "pod/memory.max": "4000000000",
        "pod/memory.current": "2500000000",
        "pod/memory.stat": "anon 1\ninactive_file 500000000",
        "pod/box/memory.max": "max",
    }
    root = shown(tmp_path, groups="0::/pod/box\n", mounts=UNIFIED, files=files)
    assert (_limits.memory(root, NOTHING), _limits.free(root, NOTHING)) == (4 * 10**9, 2 * 10**9)
    told = {"MEM_LIMIT": "3000000000"}
    assert (_limits.memory(root, told), _limits.free(root, told)) == (3 * 10**9, 10**9)


def test_no_limit_is_none(tmp_path: Path) -> None:
    former = {
        "memory/memory.limit_in_bytes": "9223372036854771712",
        "memory/memory.usage_in_bytes": "1",
    }
    for name, root in (
        ("nothing", tmp_path / "nothing"),
        ("v1", shown(tmp_path / "v1", groups="4:memory:/\n", mounts=FORMER, files=former)),
    ):
        found = (_limits.cores(root, NOTHING), _limits.memory(root, NOTHING))
        assert (*found, _limits.free(root, NOTHING)) == (None, None, None), name


def test_what_the_hub_tells_counts_too(tmp_path: Path) -> None:
    root = shown(tmp_path, groups="0::/\n", mounts=UNIFIED, files={"cpu.max": "400000 100000"})
    assert _limits.cores(root, {"CPU_LIMIT": "1.5"}) == 2
    assert _limits.cores(root, {"CPU_LIMIT": "6"}) == 4
    for odd in ("", "None", "-1", "0", "inf", "nan"):
        assert _limits.cores(root, {"CPU_LIMIT": odd}) == 4


def test_a_real_group_limits_this_python() -> None:
    code = "import json; from geodes_datalab import _limits; print(json.dumps(_limits.cores()))"
    with limited(0.5) as group:
        enter = ["sh", "-ec", 'echo $$ >"$1"; shift; exec "$@"', "sh", f"{group}/cgroup.procs"]
        done = subprocess.run(
            [*enter, sys.executable, "-c", code],
            env={name: value for name, value in os.environ.items() if name != "CPU_LIMIT"},
            capture_output=True,
            text=True,
            check=True,
        )
    assert json.loads(done.stdout) == 1


def test_values_of_others_are_kept_and_known_as_theirs() -> None:
    given = {"OMP_NUM_THREADS": "3", "NUMBA_NUM_THREADS": ""}
    found = _limits.variables(given, 2, blas=1)
    assert "OMP_NUM_THREADS" not in found
    assert found["NUMBA_NUM_THREADS"] == found["PYTHON_CPU_COUNT"] == "2"
    assert found["OPENBLAS_NUM_THREADS"] == "1"
    later = {**given, **found, "LOKY_MAX_CPU_COUNT": "7"}  # set in a terminal
    unlike = {"OMP_NUM_THREADS", "LOKY_MAX_CPU_COUNT"}
    assert _limits.ours(later) == {*_limits.THREADS, *_limits.BLAS} - unlike
    assert set(_limits.variables({}, 2)) == {*_limits.THREADS, _limits.MARK}, "OpenMP's says all"
    assert _limits.variables(given, None) == {}
    assert _limits.variables(dict.fromkeys(_limits.THREADS, "1"), 2) == {}
