"""Whatever bytes a server sends: an error of ours, or an answer, within bounds. `make fuzz` tries more."""

from __future__ import annotations

import importlib.util
import random
import sys
import tracemalloc
from pathlib import Path
from types import ModuleType

import pytest

from geodes_datalab.cubes.archive import jp2, tileparts

HERE = Path(__file__).parent
INPUTS, WEIGHED = 6_000, 400
"""Mutated inputs for each target, and those whose memory is measured: some seconds in all."""

MOST_MEMORY = 128 * 2**20
ODD = (b"\0", b"\xff", b"\x7f", b"\x80", b"\xff\xff", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\x90\0\x0a", b"PK\1\2")  # fmt: skip


@pytest.fixture(scope="module")
def targets() -> ModuleType:
    told = importlib.util.spec_from_file_location("targets", HERE / "targets.py")
    assert told is not None
    assert told.loader is not None
    module = importlib.util.module_from_spec(told)
    sys.modules["targets"] = module
    told.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def search_in_small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tileparts, "SMALL", 0)
    monkeypatch.setattr(jp2, "WORTH", 200)
    monkeypatch.setattr(jp2, "FEW", 100)


def corpus(target: str) -> list[Path]:
    return sorted((HERE / "corpus" / target).iterdir())


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Change a few places: flip, overwrite, remove, repeat, break off."""
    found = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        place, length = chance.randrange(len(found) + 1), chance.choice((1, 2, 4, 40))
        way = chance.randrange(6)
        if way < 2:
            found[place : place + 1] = bytes([chance.randrange(256)])
        elif way == 2:
            odd = chance.choice(ODD)
            found[place : place + len(odd)] = odd
        elif way == 3:
            del found[place : place + length]
        elif way == 4:
            found[place:place] = found[place : place + length] or b"\0"
        elif chance.random() < 0.2:
            del found[place:]
    return bytes(found)


@pytest.mark.parametrize("target", ["directory", "codestream", "packets", "tiff"])
def test_the_corpus_costs_little_memory(targets, target: str) -> None:
    sound = 0
    for path in corpus(target):
        tracemalloc.start()
        try:
            sound += targets.attempt(target, path.read_bytes())
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < MOST_MEMORY, path
        assert path.name.startswith(("seed", "path", "mended")), "say what it is"
    assert sound >= 4, "a corpus that is refused at the door tries nothing"


@pytest.mark.parametrize("target", ["directory", "codestream", "packets", "tiff"])
def test_damaged_input_is_refused_or_read(targets, target: str) -> None:
    chance = random.Random(target)
    seeds = [path.read_bytes() for path in corpus(target)]
    taken = sum(
        targets.attempt(target, mutated(chance.choice(seeds), chance)) for _ in range(INPUTS)
    )
    assert INPUTS // 50 < taken < INPUTS, "all are refused, or none: nothing was tried"


@pytest.mark.parametrize("target", ["directory", "codestream", "packets", "tiff"])
def test_damaged_input_costs_little_memory(targets, target: str) -> None:
    """Whatever sizes it claims."""
    chance = random.Random(f"{target}, weighed")
    seeds = [path.read_bytes() for path in corpus(target)]
    tracemalloc.start()
    try:
        for _ in range(WEIGHED):
            data = mutated(chance.choice(seeds), chance)
            tracemalloc.reset_peak()
            targets.attempt(target, data)
            assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY, data
    finally:
        tracemalloc.stop()


def test_the_corpus_is_small() -> None:
    assert sum(path.stat().st_size for path in (HERE / "corpus").glob("*/*")) < 300_000
