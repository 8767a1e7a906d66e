"""Build the cluster's binaries from Go modules, once, into the cache."""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from . import images, versions
from .errors import ClusterError
from .places import Places

OURS = ("pause", "probe")  # programs of our own: a folder with a main.go each
Report = Callable[[str], None]


def missing(places: Places) -> list[str]:
    """Names of the binaries and base images that are not in the cache yet."""
    names = [name for module in versions.modules() for name in module.binaries]
    found = [name for name in [*names, *OURS, "busybox"] if not places.binary(name).exists()]
    return found + [name for name in images.BASE if not images.archive(places, name).exists()]


def build(places: Places, report: Report = print) -> None:
    """Build what is missing; where nothing is, this returns at once.

    Raises
    ------
    ClusterError
        A build failed: the message names the log.
    """
    if not missing(places):
        return
    with _alone(places.cache):
        (places.cache / "bin").mkdir(parents=True, exist_ok=True)
        for module in versions.modules():
            wanted = {n: p for n, p in module.binaries.items() if not places.binary(n).exists()}
            if wanted:
                _build_module(places, module, wanted, report)
        for name in OURS:
            if not places.binary(name).exists():
                report(f"building {name}")
                _build_ours(places, name)
        if not places.binary("busybox").exists():
            report("fetching busybox")
            _fetch_busybox(places)
        images.write_base(places)


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """One build per cache at a time: a second one waits, then finds everything there."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_module(
    places: Places, module: versions.Module, wanted: dict[str, str], report: Report
) -> None:
    folder = places.cache / "src" / module.path.replace("/", "_")
    folder.mkdir(parents=True, exist_ok=True)
    report(f"resolving {module.path} {module.version}")
    _write_sources(places, module, folder)
    _go(["mod", "tidy"], folder, places, module.sums)
    for name, package in wanted.items():
        report(f"building {name} {module.version}")
        command = ["build", *_flags(module.variables), "-o", *_output(places, name), package]
        _go(command, folder, places, module.sums)
        _finish(places, name)


def _build_ours(places: Places, name: str) -> None:
    folder = Path(__file__).parent / name
    _go(["build", *_flags([]), "-o", *_output(places, name), "main.go"], folder, places)
    _finish(places, name)


def _write_sources(places: Places, module: versions.Module, folder: Path) -> None:
    """Write a module of ours that needs theirs: its `replace` lines count nowhere else."""
    their_go_mod = _their_go_mod(places, module, folder)
    go = re.search(r"^go (\S+)", their_go_mod, re.MULTILINE)
    if go is None:
        raise ClusterError(f"go.mod of {module.path} {module.version} names no Go version")
    lines = ["module tools", f"go {go[1]}", f"require {module.path} {module.version}"]
    if module.staging:
        staged = re.findall(r"^\s*(\S+) => \./staging", their_go_mod, re.MULTILINE)
        lines += [f"replace {name} => {name} {module.staging}" for name in sorted(set(staged))]
    imports = [f'import _ "{package}"' for package in module.binaries.values()]
    (folder / "go.mod").write_text("\n\n".join(lines) + "\n")
    (folder / "go.sum").write_text("".join(f"{line}\n" for line in module.sums))
    (folder / "tools.go").write_text(
        "//go:build tools\n\npackage tools\n\n" + "\n".join(imports) + "\n"
    )


def _their_go_mod(places: Places, module: versions.Module, folder: Path) -> str:
    (folder / "go.mod").unlink(missing_ok=True)
    target = f"{module.path}@{module.version}"
    answer = _go(["mod", "download", "-json", target], folder, places, module.sums)
    return Path(json.loads(answer)["GoMod"]).read_text(encoding="utf-8")


def _flags(variables: list[str]) -> list[str]:
    settings = "".join(f" -X {variable}" for variable in variables)
    return ["-trimpath", "-ldflags", f"-s -w{settings}"]


def _output(places: Places, name: str) -> list[str]:
    return [str(places.binary(f".{name}.part"))]


def _finish(places: Places, name: str) -> None:
    places.binary(f".{name}.part").rename(places.binary(name))


def _go(arguments: list[str], folder: Path, places: Places, sums: list[str] | None = None) -> str:
    log = places.cache / "build.log"
    with log.open("a", encoding="utf-8") as errors:
        errors.write(f"\n$ go {' '.join(arguments)}  (in {folder})\n")
        errors.flush()
        done = subprocess.run(
            ["go", *arguments],
            cwd=folder,
            env=_environment(sums or []),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    if done.returncode:
        last = "\n".join(log.read_text(encoding="utf-8").splitlines()[-8:])
        raise ClusterError(f"go {arguments[0]} failed. -> read {log}, which ends with:\n{last}")
    return done.stdout


def _environment(sums: list[str]) -> dict[str, str]:
    """The user's own Go caches, also where a test gave this process another home."""
    unknown = {line.split()[0] for line in sums}
    known = [name for name in os.environ.get("GONOSUMDB", "").split(",") if name]
    steered = {"GOFLAGS", "GO111MODULE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"}
    kept = {name: value for name, value in os.environ.items() if name not in steered}
    return kept | {
        "HOME": pwd.getpwuid(os.getuid()).pw_dir,
        "CGO_ENABLED": "0",
        "GOFLAGS": "-buildvcs=false",
        "GOWORK": "off",
        "GONOSUMDB": ",".join([*known, *sorted(unknown)]),
    }


def _fetch_busybox(places: Places) -> None:
    """Take the static busybox of the machine, or unpack Debian's package without installing it."""
    folder = places.cache / "src" / "busybox"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    installed = shutil.which("busybox", path="/bin:/usr/bin")
    if installed and _is_static(Path(installed)):
        found = Path(installed)
    else:
        try:
            _run(["apt-get", "download", "-qq", "busybox-static"], folder)
        except ClusterError:  # no list of packages yet, or one too old
            _run(["apt-get", "update", "-qq"], folder)
            _run(["apt-get", "download", "-qq", "busybox-static"], folder)
        _run(["dpkg-deb", "-x", *[str(path) for path in folder.glob("*.deb")], "."], folder)
        found = next(path for path in folder.rglob("busybox") if path.is_file())
    shutil.copy(found, _output(places, "busybox")[0])
    _finish(places, "busybox")


def _is_static(program: Path) -> bool:
    told = subprocess.run(["ldd", str(program)], capture_output=True, text=True)
    return told.returncode != 0 or "statically" in told.stdout


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise ClusterError(
            f"{' '.join(command)} failed: {done.stderr.strip()}\n"
            "  -> make apt-get reach Debian's packages, or install busybox-static"
        )
