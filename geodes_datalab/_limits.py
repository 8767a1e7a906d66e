"""What this process may use of its machine: cores and memory, as control groups limit them.

A container sees all cores of its machine. Libraries that start a thread for each of them then fight for
the few that the container is given, and the kernel stops them all for most of the time. What Python and
the libraries read is an environment variable each (`THREADS`); `variables` sets them to the limit. Where
nothing is limited, nothing is set.

Both versions of control groups are read, the limits of enclosing groups too, and what JupyterHub tells
its servers (``CPU_LIMIT``, ``MEM_LIMIT``). Standard library only.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

OPENMP = "OMP_NUM_THREADS"
"""Variable of OpenMP. OpenBLAS, MKL, numexpr, pyarrow, scikit-learn, torch and ``nproc`` read it too, the
first two where their own is not set: they are not set here, so that a user may say all at once."""

BLAS = (OPENMP, "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables that Dask sets to 1 for its workers, which compute in threads themselves, unless they are
set."""

POOLS = (
    "PYTHON_CPU_COUNT",  # os.cpu_count, multiprocessing, concurrent.futures, numcodecs (Python 3.13)
    "LOKY_MAX_CPU_COUNT",  # joblib
    "NUMBA_NUM_THREADS",
)
"""Variables for pools of which a process has one, however many threads use it."""

THREADS = (OPENMP, *POOLS)
"""Variables that say how many threads or processes to start. DuckDB and what is written in Rust (icechunk,
obstore, rustac, polars) read the limit themselves; GDAL's ``ALL_CPUS`` knows no limit and no variable."""

MARK = "GEODES_DATALAB_THREADS"
"""Environment variable: what `variables` set, as ``NAME=value`` words. The rest is the user's own."""

_ROOT = Path("/")
_NO_LIMIT = 2**60  # bytes; version 1 writes a number near 2**63


def cores(root: Path = _ROOT, environment: Mapping[str, str] | None = None) -> int | None:
    """Return how many cores this process may keep busy; None where nothing limits it.

    Fractions round up, and no process has less than one.

    Parameters
    ----------
    root
        Where ``/proc`` and ``/sys`` are.
    environment
        Variables of this process, or others.
    """
    result = [*_quotas(root), *_number(environment, "CPU_LIMIT")]
    if not result:
        return None
    return max(1, min(math.ceil(min(result)), usable()))


def processors() -> int:
    """Return how many threads that compute are worth starting here."""
    return cores() or usable()


def usable() -> int:
    """Return how many cores the machine lets this process run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory(root: Path = _ROOT, environment: Mapping[str, str] | None = None) -> int | None:
    """Return how many bytes this process and all beside it may use; None where nothing limits it.

    Parameters
    ----------
    root, environment
        As for `cores`.
    """
    result = [limit for limit, _ in _memories(root)]
    result += [round(number) for number in _number(environment, "MEM_LIMIT")]
    return min(result, default=None)


def free(root: Path = _ROOT, environment: Mapping[str, str] | None = None) -> int | None:
    """Return how many bytes are left below the limit; files kept in memory count as left.

    Parameters
    ----------
    root, environment
        As for `cores`.
    """
    groups = list(_memories(root))
    told = [round(number) for number in _number(environment, "MEM_LIMIT")]
    used = min((used for _, used in groups), default=0)
    left = [limit - used for limit, used in groups] + [limit - used for limit in told]
    return max(0, min(left)) if left else None


def variables(
    environment: Mapping[str, str], count: int | None, *, blas: int | None = None
) -> dict[str, str]:
    """Return variables for a number of cores, without those that are set already.

    Parameters
    ----------
    environment
        What is set: of the site, or of the user.
    count
        Cores; None where nothing limits them, and nothing is set.
    blas
        Threads for linear algebra of a worker of Dask, by all of `BLAS`.

    Examples
    --------
    >>> variables({name: "8" for name in THREADS[1:]}, 2)
    {'OMP_NUM_THREADS': '2', 'GEODES_DATALAB_THREADS': 'OMP_NUM_THREADS=2'}
    """
    if count is None:
        return {}
    wanted = dict.fromkeys(THREADS, str(count)) | dict.fromkeys(BLAS if blas else (), str(blas))
    result = {name: value for name, value in wanted.items() if not environment.get(name)}
    if not result:
        return {}
    return result | {MARK: " ".join(f"{name}={value}" for name, value in result.items())}


def ours(environment: Mapping[str, str]) -> frozenset[str]:
    """Return which variables still are as `variables` set them.

    Parameters
    ----------
    environment
        Of a process that descends from one with its variables.
    """
    marked = (word.partition("=") for word in environment.get(MARK, "").split())
    return frozenset(name for name, _, value in marked if environment.get(name) == value)


def _number(environment: Mapping[str, str] | None, name: str) -> list[float]:
    """Return a limit that JupyterHub tells, if it does."""
    with suppress(ValueError):
        value = float((os.environ if environment is None else environment).get(name, ""))
        if 0 < value < _NO_LIMIT:
            return [value]
    return []


def _quotas(root: Path) -> Iterator[float]:
    for folder in _groups(root, "cpu"):
        if text := _read(folder / "cpu.max"):
            quota, _, period = text.partition(" ")
        else:
            quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
        with suppress(ValueError, ZeroDivisionError):
            if float(quota) > 0:  # "max" and -1 are no limit
                yield float(quota) / float(period)


def _memories(root: Path) -> Iterator[tuple[int, int]]:
    """Yield limit and use of each group that has a limit."""
    for folder in _groups(root, "memory"):
        for limit, use, idle in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            with suppress(ValueError):
                most = int(_read(folder / limit))
                if most < _NO_LIMIT:
                    kept = _statistic(folder / "memory.stat", idle)
                    yield most, max(0, int(_read(folder / use) or 0) - kept)


def _statistic(path: Path, name: str) -> int:
    rows = (row.split() for row in _read(path).splitlines())
    return next((int(row[1]) for row in rows if row[0] == name), 0)


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of this process's groups, from its own up to the first that is seen here."""
    paths = dict(_paths(root))
    for line in _read(root / "proc/self/mountinfo").splitlines():
        words, _, kind = line.partition(" - ")
        top, place = words.split()[3:5]
        kinds = kind.split()
        unified = kinds[0] == "cgroup2"
        if not unified and (kinds[0] != "cgroup" or controller not in kinds[-1].split(",")):
            continue
        inner = PurePosixPath(paths.get("" if unified else controller, "/"))
        below = inner.relative_to(top) if inner.is_relative_to(top) else PurePosixPath()
        here = root / place.lstrip("/")
        for part in [below, *below.parents]:
            yield here / part


def _paths(root: Path) -> Iterator[tuple[str, str]]:
    """Yield the path of this process by controller; that of version 2 has no name."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        for name in controllers.split(","):
            yield name, path


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
