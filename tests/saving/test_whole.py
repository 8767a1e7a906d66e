"""A file is there as a whole or not at all, and never in place of another by accident."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask.array as da
import distributed
import numpy as np
import pytest
import xarray as xr
from readers import SUFFIXES
from series import identical, numbers, raw
from support.dask_workers import workers

import geodes_datalab as gd
from geodes_datalab import _display, errors
from geodes_datalab.saving import staging


def broken(cube: xr.Dataset, how: Any) -> xr.Dataset:
    """Return a cube whose last block cannot be computed."""

    def spoil(block: np.ndarray, block_id: tuple[int, ...] = ()) -> np.ndarray:
        if block_id == (2, 2, 2):
            how()
        return block

    data = cube["B04"].data.map_blocks(spoil, dtype="uint16", meta=np.empty((0, 0, 0), "uint16"))
    return cube.assign(B04=cube["B04"].copy(data=data))


def unreadable() -> None:
    raise errors.ReadError("band B04 of P could not be read", "try again")


def interrupted() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def everything(folder: Path) -> list[str]:
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*"))


@pytest.mark.parametrize("kind", SUFFIXES)
def test_what_is_there_is_not_replaced_unless_asked(tmp_path: Path, kind: str) -> None:
    first, second = raw(numbers()), raw(numbers(seed=1))
    path = gd.save(first, tmp_path / f"cube{SUFFIXES[kind]}", format=kind)
    with pytest.raises(errors.CubeError, match="is there already") as caught:
        gd.save(second, path, format=kind)
    assert "overwrite=True" in str(caught.value)
    identical(gd.open(path), first)
    assert gd.save(second, path, format=kind, overwrite=True) == path
    identical(gd.open(path), second)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", SUFFIXES)
def test_a_cube_can_replace_the_file_it_is_read_from(tmp_path: Path, kind: str) -> None:
    cube = raw(numbers())
    path = gd.save(cube, tmp_path / f"cube{SUFFIXES[kind]}", format=kind)
    lazy = gd.open(path)
    gd.save(lazy, path, format=kind, overwrite=True)
    identical(gd.open(path), cube)


@pytest.mark.parametrize("trouble", [unreadable, interrupted])
@pytest.mark.parametrize("there", [False, True], ids=["new", "replacing"])
@pytest.mark.parametrize("kind", SUFFIXES)
def test_what_breaks_off_leaves_nothing_behind(
    tmp_path: Path, kind: str, there: bool, trouble: Any
) -> None:
    path = tmp_path / f"cube{SUFFIXES[kind]}"
    if there:
        gd.save(raw(numbers()), path, format=kind)
    before = everything(tmp_path)
    with pytest.raises((errors.ReadError, KeyboardInterrupt)):
        gd.save(broken(raw(numbers()), trouble), path, format=kind, overwrite=there)
    assert everything(tmp_path) == before


def test_of_several_files_all_come_or_none(tmp_path: Path) -> None:
    good = raw(numbers())
    cube = good.assign(broken=broken(good, unreadable)["B04"])
    with pytest.raises(errors.ReadError):
        gd.save(cube, tmp_path / "{variable}.tif")
    assert everything(tmp_path) == []
    gd.save(good, tmp_path / "broken.tif")
    with pytest.raises(errors.CubeError, match=r"broken\.tif is there already"):
        gd.save(good.assign(broken=good["B04"]), tmp_path / "{variable}.tif")
    assert everything(tmp_path) == ["broken.tif"]


def test_a_folder_is_not_taken_for_a_store(tmp_path: Path) -> None:
    folder = tmp_path / "results.zarr"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(errors.CubeError, match="no Zarr store"):
        gd.save(raw(numbers()), folder, overwrite=True)
    assert (folder / "thesis.txt").read_text() == "years of work"


def test_a_disk_that_may_not_be_written_is_told_as_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.StorageError, match="could not be written"):
        gd.save(raw(numbers()), tmp_path / "file" / "cube.nc")


def test_a_full_disk_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise RuntimeError("NetCDF: HDF error")

    usage = type("Usage", (), {"free": 4096})
    monkeypatch.setattr("geodes_datalab._whole.shutil.disk_usage", lambda _: usage)
    with pytest.raises(errors.StorageError, match="the disk is full"):
        gd.save(broken(raw(numbers()), full), tmp_path / "cube.nc")
    assert everything(tmp_path) == []


@pytest.mark.parametrize("kind", SUFFIXES)
def test_lazy_cubes_pass_through_block_by_block(tmp_path: Path, kind: str) -> None:
    alive, most, lock = 0, 0, threading.Lock()

    class Block(np.ndarray):
        def __del__(self) -> None:
            nonlocal alive
            with lock:
                alive -= 1

    def make(block: np.ndarray) -> np.ndarray:
        nonlocal alive, most
        with lock:
            alive += 1
            most = max(most, alive)
        return np.ones(block.shape, "float32").view(Block)

    blank = da.zeros((400, 40, 50), "float32", chunks=(1, 40, 50))
    data = blank.map_blocks(make, dtype="float32", meta=np.empty((0, 0, 0), "float32"))
    coords = raw(numbers()).drop_vars("time").coords
    cube = xr.Dataset(
        {"index": (("step", "y", "x"), data)}, coords.to_dataset().drop_vars("stored_offset").coords
    )
    path = gd.save(cube, tmp_path / f"cube{SUFFIXES[kind]}", format=kind)
    assert most < 100
    assert float(gd.open(path)["index"].sum()) == 400 * 40 * 50


def test_a_bar_counts_the_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bars: list[Any] = []
    original = _display.progress

    def progress(**options: Any) -> Any:
        bars.append((original(**options), options["total"]))
        return bars[-1][0]

    monkeypatch.setattr(staging._display, "progress", progress)
    cube = raw(numbers())
    for kind, suffix in SUFFIXES.items():
        gd.save(cube, tmp_path / f"{kind}{suffix}", format=kind, progress=True)
        bar, total = bars[-1]
        assert bar.n == total > 0


@pytest.fixture(scope="module")
def cluster() -> Iterator[distributed.Client]:
    """A worker in a process of its own, which is not in this folder."""
    with workers(1, threads=2) as client:
        yield client


@pytest.mark.parametrize("kind", SUFFIXES)
def test_a_cluster_computes_and_this_process_writes(cluster, tmp_path: Path, kind: str) -> None:
    def there(block: np.ndarray) -> np.ndarray:
        distributed.get_worker()  # fails elsewhere
        return block + 1

    cube = raw(numbers())
    expected = cube.assign(B04=(cube["B04"] + 1).assign_attrs(cube["B04"].attrs)).compute()
    blank = np.empty((0, 0, 0), "uint16")
    data = cube["B04"].data.map_blocks(there, dtype="uint16", meta=blank)
    with cluster.as_current():
        path = gd.save(
            cube.assign(B04=cube["B04"].copy(data=data)),
            tmp_path / f"cube{SUFFIXES[kind]}",
            format=kind,
        )
    assert not cluster.futures
    identical(gd.open(path), expected)
