"""Run programs inside the built images: as uid 1000, with a root file system that can only be read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.waiting import minutes

ROOT = Path(__file__).parents[2]
PREFIX = os.environ.get("DATALAB_IMAGES", "localhost/geodes-datalab")
USER, GROUP = 1000, 100
HOME = "/home/jovyan"

# Makes what a container is made of, where no engine may start one: mounts of its own, a root that can
# only be read, empty /tmp and home. Arguments: root, folder of the tests, number of the user, command...
ENTER = f"""
root=$1; tests=$2; user=$3; shift 3
mount --make-rprivate /
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
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
exec chroot --userspec=$user:{GROUP} --groups={GROUP} "$root" /usr/bin/env -C {HOME} "$@"
"""


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
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a fresh container; tests/ lies at /mnt, the network is this machine's.

        It has `within` minutes.
        """
        return subprocess.run(
            self._command(command, environment, user),
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
        self, command: tuple[str, ...], environment: Mapping[str, str], user: int
    ) -> list[str]:
        if self.root is None:
            options = [f"--env={name}={value}" for name, value in environment.items()]
            options += ["--tmpfs=/tmp", f"--tmpfs={HOME}:uid={user},gid={GROUP}", "--read-only"]
            options += [
                f"--volume={ROOT / 'tests'}:/mnt:ro",
                f"--user={user}:{GROUP}",
                "--network=host",
            ]
            return [
                self.engine,
                "run",
                "--rm",
                "--interactive",
                "--entrypoint=",
                *options,
                self.name,
                *command,
            ]
        values = {**self.environment, "HOME": HOME, **environment}
        assignments = [f"{name}={value}" for name, value in values.items()]
        enter = ["unshare", "--mount", "--pid", "--fork", "sh", "-ec", ENTER, "sh"]
        return [
            *enter,
            str(self.root),
            str(ROOT / "tests"),
            str(user),
            "-i",
            *assignments,
            *command,
        ]


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


def opened(short: str) -> Iterator[Image]:
    name, program = f"{PREFIX}/{short}:dev", engine()
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
