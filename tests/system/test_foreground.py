"""`geodes-datalab up` in a terminal: what the operator sees, and Ctrl-C."""

from __future__ import annotations

import os
import pty
import select
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support.waiting import Hopeless, eventually, minutes

from geodes_datalab.local import family

pytestmark = [pytest.mark.system, pytest.mark.timeout(1500)]


class Terminal:
    """A command in a pseudo-terminal."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.screen = ""
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env=environment, preexec_fn=lambda: _control(slave),  # noqa: PLW1509  # no threads yet
        )  # fmt: skip
        os.close(slave)

    def read_until(self, text: str, *, within: float = 5) -> None:
        """Read until a text is on the screen; minutes, as `eventually` has them."""

        def there() -> bool:
            while select.select([self._master], [], [], 0)[
                0
            ]:  # a read without it could wait for ever
                try:
                    self.screen += os.read(self._master, 65536).decode("utf-8", "replace")
                except OSError as error:  # Linux: the other end is closed
                    if text not in self.screen:
                        raise Hopeless("the command has ended") from error
                    break
            return text in self.screen

        eventually(there, f"{text!r} on the screen", within=within, scene=lambda: self.screen)

    def press(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)


def _control(terminal: int) -> None:
    """Make the terminal the controlling one, so that Ctrl-C means something."""
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def test_ready_table_and_ctrl_c(tmp_path: Path, shared_cache: Path) -> None:
    state = tmp_path / "state"
    command = [sys.executable, "-m", "geodes_datalab.cli", "up", "--port=auto"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(shared_cache.parent), "COLUMNS": "140"}
    terminal = Terminal([*command, f"--state-dir={state}"], environment)
    try:
        terminal.read_until("Everything listens on this machine only", within=12)
        password = (state / "secrets" / "password").read_text().strip()
        for text in ("geodes-datalab is ready", password, "sample catalogue, not GEODES", "Ctrl-C"):
            assert text in terminal.screen
        terminal.press(b"\x03")
        terminal.read_until("everything is stopped")
        assert terminal.process.wait(timeout=minutes(2)) == 0
        assert not family.members(str(state.resolve()))
        assert "Traceback" not in terminal.screen
    finally:
        terminal.close()
        family.end(str(state.resolve()), grace=2)


def test_taken_ports_are_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "geodes_datalab.cli", "up", f"--port={port}"]
        done = subprocess.run(
            [*command, f"--state-dir={tmp_path / 'state'}"],
            capture_output=True,
            text=True,
            timeout=minutes(3),
        )
    assert done.returncode == 1
    assert f"these ports are taken: {port} (process {os.getpid()}" in done.stderr
    assert not list((tmp_path / "state" / "secrets").iterdir())
