"""`ops.compute`: the values of compute(), with a bar for whoever waits."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import dask
import dask.array
import numpy as np
import pytest
import xarray as xr
from distributed import Client, LocalCluster
from support.waiting import eventually, minutes

from geodes_datalab import _display, ops
from geodes_datalab.ops import computing

BLOCKS = 6


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The bars that were made; real ones."""
    made: list[Any] = []
    make = _display.progress

    def kept(*arguments: Any, **options: Any) -> Any:
        made.append(make(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(_display, "progress", kept)
    monkeypatch.setattr(computing, "PATIENCE", 0.0)
    return made


@pytest.fixture(scope="module")
def cluster() -> Iterator[Client]:
    """A cluster in threads of this process."""
    with (
        LocalCluster(
            n_workers=1,
            threads_per_worker=2,
            processes=False,
            protocol="tcp",
            host="127.0.0.1",
            dashboard_address=":0",
        ) as made,
        Client(made) as client,
    ):
        yield client


def cube(slowly: float = 0.0) -> xr.Dataset:
    def numbers(block_info: Any = None) -> Any:
        time.sleep(slowly)  # patience: what is waited for is the work itself
        return np.full((1, 10), block_info[None]["chunk-location"][0], "float32")

    data = dask.array.map_blocks(
        numbers, chunks=((1,) * BLOCKS, (10,)), dtype="float32", meta=np.empty((0, 0), "float32")
    )
    return xr.Dataset({"red": (("time", "x"), data)})


def test_values_are_those_of_compute_and_tasks_are_counted(
    bars: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    xr.testing.assert_identical(ops.compute(cube(), progress=True), cube().compute())
    (bar,) = bars
    assert bar.n == bar.total
    assert bar.total >= BLOCKS
    assert "Computing" in capsys.readouterr().err


def test_on_a_cluster_blocks_are_counted(cluster: Client, bars: list[Any]) -> None:
    with dask.config.set(scheduler="dask.distributed"):
        result = ops.compute(cube(), progress=True)
    assert result.red.values[:, 0].tolist() == list(range(BLOCKS))
    assert bars[0].total == BLOCKS


def test_another_scheduler_that_was_chosen_is_kept(cluster: Client, bars: list[Any]) -> None:
    with dask.config.set(scheduler="synchronous"):
        assert computing._client() is None
        assert ops.compute(cube(), progress=False).red.sum() == 10 * sum(range(BLOCKS))


def test_nobody_looks_on_and_nothing_is_shown(
    bars: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    ops.compute(cube())
    assert bars[0].disable
    assert capsys.readouterr().err == ""


def test_what_is_quick_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    ops.compute(cube(), progress=True)
    assert "Computing" not in capsys.readouterr().err


def test_what_is_not_lazy_is_returned() -> None:
    there = cube().compute()
    xr.testing.assert_identical(ops.compute(there), there)


def test_an_error_of_a_task_is_that_of_compute(cluster: Client, bars: list[Any]) -> None:
    broken = cube().red.copy(data=cube().red.data.map_blocks(lambda block: 1 / 0, dtype="float32"))
    for scheduler in ("dask.distributed", "threads"):
        with dask.config.set(scheduler=scheduler), pytest.raises(ZeroDivisionError):
            ops.compute(broken, progress=False)


def test_ctrl_c_gives_the_work_up(cluster: Client, bars: list[Any]) -> None:
    def ctrl_c() -> None:
        eventually(lambda: bars, "the work has begun", within=2)
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=ctrl_c).start()
    with dask.config.set(scheduler="dask.distributed"), pytest.raises(KeyboardInterrupt):
        ops.compute(cube(slowly=minutes(0.02)), progress=True)
    assert bars[0].n < BLOCKS

    def tasks(dask_scheduler: Any = None) -> bool:
        return not dask_scheduler.tasks

    eventually(lambda: cluster.run_on_scheduler(tasks), "the scheduler forgets the work", within=2)
