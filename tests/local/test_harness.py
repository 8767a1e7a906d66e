"""The harness around a whole datalab: what a start that fails leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.datalab import Datalab, Failure

from geodes_datalab.local import family
from geodes_datalab.local.layout import layout


@pytest.mark.parametrize(
    "error", [Failure("no"), KeyboardInterrupt()], ids=["fails", "interrupted"]
)
def test_a_start_that_fails_is_taken_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    verbs: list[str] = []
    mark = {family.VARIABLE: layout(tmp_path).instance}
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(sleep, env={**os.environ, **mark}) as left:

        def command(_: Datalab, verb: str, *arguments: str) -> None:
            verbs.append(verb)
            raise error if verb == "up" else Failure("it cannot be stopped either")

        monkeypatch.setattr(Datalab, "command", command)
        try:
            with pytest.raises(type(error)):
                Datalab.start(tmp_path)
            assert verbs == ["up", "down"]
            assert not family.members(layout(tmp_path).instance)
        finally:
            left.kill()


def test_what_does_not_run_is_told(tmp_path: Path) -> None:
    datalab = Datalab(tmp_path, {})
    assert datalab.refresh() == datalab.asked() == {"state": "stopped", "state_dir": str(tmp_path)}
    with pytest.raises(LookupError):
        datalab.part("hub")
