"""Run programs inside the built images: as uid 1000, with a root file system that can only be read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.control_groups import limited
from support.waiting import minutes

ROOT = Path(__file__).parents[2]
PREFIX = os.environ.get("DATALAB_IMAGES", "localhost/geodes-datalab")
USER, GROUP = 1000, 100
HOME = "/home/jovyan"

# Makes what a container is made of, where no engine may start one: mounts of its own, a root that can
# only be read, empty /tmp and home. Arguments: root, folder of the tests, number of the user, a control
# group whose limits hold (or nothing), files to put over those of the image (FILE=PLACE...), command...
ENTER = f"""
root=$1; tests=$2; user=$3; group=$4; files=$5; shift 5
mount --make-rprivate /
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
if [ -n "$group" ]; then
    echo $$ >"$group/cgroup.procs"
    mount -t sysfs sysfs "$root/sys"
    mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
fi
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755,size=64k dev "$root/dev"
for name in null zero full random urandom tty; do : >"$root/dev/$name"; mount --bind "/dev/$name" "$root/dev/$name"; done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/dev/pts" && mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mkdir "$root/dev/shm" && mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
[ ! -e "$root/etc/hosts" ] || mount --bind /etc/hosts "$root/etc/hosts"
mount -t tmpfs -o uid=$user,gid={GROUP},mode=700 home "$root{HOME}"
mount --bind "$tests" "$root/mnt"
for file in $files; do mount --bind "${{file%%=*}}" "$root${{file##*=}}"; done
exec chroot --userspec=$user:{GROUP} --groups={GROUP} "$root" /usr/bin/env -C {HOME} "$@"
"""


@dataclass(frozen=True)
class Way:
    """How a program is run in a container."""

    user: int = USER
    cores: float | None = None
    network: bool = True
    files: Mapping[str, Path] = field(default_factory=dict)
    """By the places of files that the image has."""


@dataclass
class Image:
    """A built image, and the way to run a program in it."""

    name: str
    engine: str
    environment: dict[str, str] = field(default_factory=dict)
    root: Path | None = None
    """Where its files are mounted, for the engine that starts no containers (buildah)."""

    @property
    def short(self) -> str:
        """``platform`` or ``notebook``."""
        return self.name.rpartition("/")[2].partition(":")[0]

    def run(
        self,
        *command: str,
        text: str | None = None,
        within: float = 10,
        user: int = USER,
        cores: float | None = None,
        network: bool = True,
        files: Mapping[str, Path] | None = None,
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a fresh container; tests/ lies at /mnt, the network is this machine's.

        It has `within` minutes, no more than `cores`, and no network at all where that is asked for. `files`
        lie in the places of files that the image has.
        """
        way = Way(user, cores, network, files or {})
        alone = limited(cores) if cores is not None and self.root is not None else nullcontext("")
        with alone as group:
            return subprocess.run(
                self._command(command, environment, way, str(group)),
                input=text,
                stdin=None if text is not None else subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=minutes(within),
            )

    def python(self, code: str, *arguments: str, user: int = USER, **environment: str) -> str:
        """Run Python code in the image and return what it printed."""
        done = self.run("python", "-", *arguments, text=code, user=user, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _command(
        self, command: tuple[str, ...], environment: Mapping[str, str], way: Way, group: str
    ) -> list[str]:
        if self.root is None:
            return [self.engine, "run", *_options(environment, way), self.name, *command]
        values = {**self.environment, "HOME": HOME, **environment}
        assignments = [f"{name}={value}" for name, value in values.items()]
        kinds = ["--mount", "--pid", *([] if way.network else ["--net"])]
        enter = ["unshare", *kinds, "--fork", "sh", "-ec", ENTER, "sh"]
        over = " ".join(f"{file}={place}" for place, file in way.files.items())
        place = [str(self.root), str(ROOT / "tests"), str(way.user), group, over]
        return [*enter, *place, "-i", *assignments, *command]


def _options(environment: Mapping[str, str], way: Way) -> list[str]:
    """Return what an engine that starts containers is asked for."""
    options = ["--rm", "--interactive", "--entrypoint=", "--read-only", "--tmpfs=/tmp"]
    options += [f"--tmpfs={HOME}:uid={way.user},gid={GROUP}", f"--volume={ROOT / 'tests'}:/mnt:ro"]
    options += [f"--user={way.user}:{GROUP}", f"--network={'host' if way.network else 'none'}"]
    options += [] if way.cores is None else [f"--cpus={way.cores}"]
    options += [f"--volume={file}:{place}:ro" for place, file in way.files.items()]
    return options + [f"--env={name}={value}" for name, value in environment.items()]


def engine() -> str:
    """Name the engine that has the images; skip where none has."""
    for name in os.environ.get("ENGINE", "buildah podman docker").split():
        inspect = [name, "inspect", "--type", "image", f"{PREFIX}/notebook:dev"]
        if (
            shutil.which(name)
            and not subprocess.run(inspect, capture_output=True, timeout=minutes(5)).returncode
        ):
            return name
    pytest.skip("no images: make images")


def call(*command: str) -> str:
    return subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=minutes(10)
    ).stdout.strip()


def opened(name: str) -> Iterator[Image]:
    """Open an image: ``platform`` or ``notebook`` as built here, or any by its whole name."""
    name, program = name if "/" in name else f"{PREFIX}/{name}:dev", engine()
    if program != "buildah":
        yield Image(name, program)
        return
    if os.getuid() != 0:
        pytest.skip("buildah's images can be entered by root alone: use podman or docker")
    described = json.loads(call("buildah", "inspect", "--type", "image", name))
    variables = dict(each.split("=", 1) for each in described["OCIv1"]["config"]["Env"])
    container = call("buildah", "from", "--pull=never", name)
    try:
        yield Image(name, program, variables, Path(call("buildah", "mount", container)))
    finally:
        call("buildah", "rm", container)
