"""The bounded folder, with many processes that read, write and remove at the same time."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from geodes_datalab.cubes.archive.store import ABANDONED, Store


def used(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_what_is_put_comes_back(tmp_path: Path) -> None:
    store = Store(tmp_path / "s", 10**6)
    assert store.get("a") is None
    store.put("a", b"")
    store.put("b", b"b" * 1000)
    assert (store.get("a"), store.get("b")) == (b"", b"b" * 1000)
    store.drop("b")
    store.drop("b")
    assert store.get("b") is None


def test_damage_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    store = Store(tmp_path, 10**6)
    store.put("a", b"a" * 100)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    assert store.get("a") is None
    path.write_bytes(b"")
    assert store.get("a") is None


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("a file stands in the way")
    store = Store(tmp_path / "s", 10**6)
    store.put("a", b"a")
    assert store.get("a") is None
    with pytest.raises(OSError, match=r"s"), store.holding("b", 1, lambda stream: stream.write(b"b")):  # fmt: skip
        pass


def test_the_longest_unused_goes_first(tmp_path: Path) -> None:
    store = Store(tmp_path, 10_000)
    for number in range(8):
        store.put(str(number), b"x" * 1000)
        os.utime(store._path(str(number)), (number, number))
    store.get("0")
    for number in range(8, 12):
        store.put(str(number), b"x" * 1000)
    assert store.get("0") is not None
    assert store.get("1") is None
    assert used(tmp_path) <= 10_000 + 10_000 // 16 + 1004


def test_what_is_held_stays(tmp_path: Path) -> None:
    store = Store(tmp_path, 1000)
    with store.holding("held", 800, lambda stream: stream.write(b"h" * 800)) as path:
        os.utime(path, (0, 0))
        for number in range(20):
            store.put(str(number), b"x" * 200)
        assert path.read_bytes() == b"h" * 800
    os.utime(path, (0, 0))
    store.put("last", b"x" * 200)
    assert not path.exists()


def test_what_was_abandoned_is_removed(tmp_path: Path) -> None:
    for name in ("a.part", "b.lock"):
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (0, time.time() - ABANDONED - 1))
    (tmp_path / "c.part").write_bytes(b"")
    Store(tmp_path, 1000).put("x", b"x")
    assert {path.suffix for path in tmp_path.iterdir()} == {"", ".part"}


def test_one_thread_makes_it_and_the_others_wait(tmp_path: Path) -> None:
    store, made = Store(tmp_path, 10**6), []

    def make(stream) -> None:
        made.append(1)
        time.sleep(0.05)  # patience: so long that the others come meanwhile
        stream.write(b"data")

    def read(_: int) -> bytes:
        with store.holding("a", 4, make) as path:
            return path.read_bytes()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(read, range(16))) == {b"data"}
    assert len(made) == 1


def test_a_maker_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path, 10**6)

    def fail(stream) -> None:
        stream.write(b"half")
        raise ValueError("broke off")

    with pytest.raises(ValueError, match="broke off"), store.holding("a", 8, fail):
        pass
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".lock"]
    with store.holding("a", 8, lambda stream: stream.write(b"complete")) as path:
        assert path.read_bytes() == b"complete"
    with pytest.raises(OSError, match="get 5 bytes"), store.holding("b", 5, lambda stream: stream.write(b"1234")):  # fmt: skip
        pass


def work(folder: str, seed: int) -> int:
    """Use the store as a worker process does; return how often an entry was wrong."""
    chance, store, wrong = random.Random(seed), Store(Path(folder), 40_000), 0
    for _ in range(150):
        number = chance.randrange(30)
        data = bytes([number]) * (1000 + 100 * number)
        if chance.random() < 0.5:
            found = store.get(f"small {number}")
            wrong += found not in (None, data)
            store.put(f"small {number}", data)
        else:
            with store.holding(f"large {number}", len(data), lambda s, d=data: s.write(d)) as path:
                wrong += path.read_bytes() != data
    return wrong


def test_many_processes(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert pool.starmap(work, [(str(tmp_path), seed) for seed in range(4)]) == [0] * 4
    assert used(tmp_path) <= 40_000 + 5 * (40_000 // 16 + 4000)
