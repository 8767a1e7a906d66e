"""How tests wait, and what the rule about it refuses."""

from __future__ import annotations

import asyncio
import runpy
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.waiting import Hopeless, aeventually, eventually, minutes, throughout

ROOT = Path(__file__).parents[1]
MOMENT = 0.3 / 60
"""Minutes."""


def script(*answers: Any) -> Callable[[], Any]:
    """A check that gives one answer after the other, and then the last for ever; errors are raised."""
    left = list(answers)

    def check() -> Any:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return check


def test_what_comes_true_is_returned_with_its_time() -> None:
    began = time.monotonic()
    waited = eventually(
        script("", ConnectionRefusedError(), KeyError("url"), "there"), "the answer"
    )
    assert waited.value == "there"
    assert 0 < waited.seconds <= time.monotonic() - began


def test_failure_tells_the_last_error_and_the_scene() -> None:
    with pytest.raises(AssertionError, match=r"a pod: not within 0 s") as failure:
        eventually(
            script(None, ConnectionRefusedError("port 1")),
            "a pod",
            within=MOMENT,
            scene=lambda: "log: out of memory",
        )
    assert "ConnectionRefusedError: port 1" in str(failure.value)
    assert "log: out of memory" in str(failure.value)


def test_scene_that_fails_hides_nothing() -> None:
    with pytest.raises(AssertionError, match="a pod: not within"):
        eventually(lambda: False, "a pod", within=MOMENT, scene=script(OSError("gone")))


def test_error_that_does_not_pass_ends_the_wait() -> None:
    with pytest.raises(TypeError):
        eventually(script(TypeError("a fault of the test"), True), "anything")
    assert eventually(script(TypeError(), True), "anything", again_on=(TypeError,)).value


def test_hopeless_check_ends_the_wait() -> None:
    with pytest.raises(AssertionError, match="the server: hopeless: it died"):
        eventually(script(Hopeless("it died")), "the server", within=60)


def test_last_look_comes_when_the_time_is_over() -> None:
    began = time.monotonic()
    assert eventually(lambda: time.monotonic() - began >= 60 * MOMENT, "a moment", within=MOMENT)


def test_patience_multiplies_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert minutes(2) == 120
    monkeypatch.setenv("TESTS_PATIENCE", "2.5")
    assert minutes(2) == 300


def test_asynchronous_checks() -> None:
    async def there() -> Any:
        return answers()

    answers = script(False, ConnectionResetError(), "there")
    assert asyncio.run(aeventually(there, "the answer")).value == "there"
    answers = script(False)
    with pytest.raises(AssertionError, match="last seen: False"):
        asyncio.run(aeventually(there, "the answer", within=MOMENT))
    answers = script(Hopeless("no"))
    with pytest.raises(AssertionError, match="hopeless: no"):
        asyncio.run(aeventually(there, "the answer"))


def test_what_must_stay_so_is_watched() -> None:
    looks: list[float] = []
    throughout(lambda: looks.append(time.monotonic()) or True, "it stays", seconds=0.25)
    assert looks[-1] - looks[0] >= 0.25
    assert len(looks) >= 3
    with pytest.raises(AssertionError, match=r"it stays: no longer after 0\.\d s \(False\)"):
        throughout(script(True, False), "it stays", seconds=60)


@pytest.fixture(scope="module")
def faults() -> Callable[[str], Iterator[tuple[int, str]]]:
    found: Callable[[str], Iterator[tuple[int, str]]] = runpy.run_path(
        str(ROOT / "scripts/check-patience")
    )["faults"]
    return found


@pytest.mark.parametrize(
    "line",
    [
        "time.sleep(1)",
        "sleep(pause)",
        "page.wait_for_timeout(500)",
        "requests.get(url, timeout=5)",
        "process.wait(30)",
        "thread.join(2 * 5)",
        "def wait(true, timeout: float = 120): ...",
        "def wait(true, *, seconds=60): ...",
    ],
)
def test_private_patience_is_refused(
    line: str, faults: Callable[[str], Iterator[tuple[int, str]]]
) -> None:
    assert [number for number, _ in faults(f"import time\n{line}\n")] == [2]


@pytest.mark.parametrize(
    "line",
    [
        "time.sleep(1)  # patience: a server that is slow is what is tested",
        "get(\n    url,\n    timeout=5,  # patience: of the product\n)",
        "requests.get(url, timeout=minutes(1))",
        "eventually(check, 'it', within=2)",
        "throughout(check, 'it', seconds=3)",
        "', '.join(names)",
        "process.wait()",
        "code = 'time.sleep(600)'",
        "def wait(true, *, timeout=None): ...",
    ],
)
def test_shared_patience_passes(
    line: str, faults: Callable[[str], Iterator[tuple[int, str]]]
) -> None:
    assert list(faults(f"import time\n{line}\n")) == []
