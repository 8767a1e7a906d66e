"""The daemons of the centre, and how tests speak to them."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from support.ports import free_ports
from support.waiting import Hopeless, eventually, minutes

from hpc import private
from hpc.files import ACCOUNTS, GROUP, NODES, slurm_conf, write_accounts
from hpc.processes import of_dask

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "munged", "sudo", "mount")


def why_not() -> str | None:
    """Return why no centre can run here, if so."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (apt-get install slurmctld slurmd sudo munge)"
    if os.geteuid():
        return "only root can start Slurm's daemons and let accounts differ"
    probe = subprocess.run(
        ["unshare", "--mount", "mount", "--make-rprivate", "/"], capture_output=True, text=True
    )
    return f"no mount namespace can be made: {probe.stderr.strip()}" if probe.returncode else None


class Centre:
    """Munge, one controller, several nodes; everything in one folder, on loopback only."""

    def __init__(self, root: Path, needed: Sequence[Path]) -> None:
        self.root = root
        self.needed = needed
        self.conf = root / "slurm" / "slurm.conf"
        self.sudoers = root / "sudoers.d"
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}
        self.ports = free_ports(2 + len(NODES))

    def start(self) -> None:
        """Start everything; this process's own view of the machine changes for good."""
        self.root.chmod(0o755)
        self.outside = os.open("/proc/self/ns/mnt", os.O_RDONLY)
        private.enter()
        private.open_to_all(self.needed, self.root / "behind")
        self._write()
        self._start_munge()
        self.start_controller()
        for name in NODES:
            self._daemon(name, ["slurmd", "-D", "-N", name])
        eventually(lambda: self.states() == {"idle"}, "idle nodes", scene=self.tails)

    def stop(self) -> None:
        """Cancel what runs, then stop the daemons by their numbers."""
        if "slurmctld" in self.daemons:
            with suppress(AssertionError):  # it hangs: what is lost is ended below
                self.run("scancel", "--user=" + ",".join(ACCOUNTS), check=False)
                eventually(lambda: not self.jobs(), "the end of all jobs", within=1)
        for name in reversed(list(self.daemons)):
            self.kill(name, signal.SIGTERM)
        self._end_lost_processes()
        for name in ACCOUNTS:  # jobs' folders of temporary files
            shutil.rmtree(f"/tmp/geodes-datalab-{name}", ignore_errors=True)
        if not private.mounts_below(self.root):
            shutil.rmtree(self.root)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End a daemon."""
        daemon = self.daemons.pop(name)
        daemon.send_signal(number)
        try:
            daemon.wait(minutes(1))
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def restart_controller(self) -> None:
        """Stop the controller and start it again with what it had saved."""
        self.kill("slurmctld", signal.SIGTERM)
        self.start_controller()

    def nodes_work(self) -> None:
        """Wait until all nodes take jobs."""
        eventually(lambda: not self.states() - {"idle", "mix"}, "the nodes", scene=self.tails)

    def saved(self, *logs: str) -> bytes:
        """Wait until the controller has saved the jobs that write these; return what it knows of jobs."""
        found = b""

        def there() -> bool:
            nonlocal found
            with suppress(FileNotFoundError):  # it is renamed
                found = (self.root / "state" / "job_state").read_bytes()
            return all(log.encode() in found for log in logs)

        eventually(there, f"saved jobs, {logs}", scene=self.tails)
        return found

    def crash_controller(self, saved: bytes) -> None:
        """Kill the controller; what it saved of jobs since then is lost."""
        self.kill("slurmctld")
        for name in ("job_state", "job_state.old"):
            (self.root / "state" / name).write_bytes(saved)

    def start_controller(self) -> None:
        """Start the controller with what it had saved, and wait until nodes are at its service."""
        self._daemon("slurmctld", ["slurmctld", "-D"])
        eventually(self._answers, "the controller", scene=self.tails)

    def _answers(self) -> set[str]:
        code = self.daemons["slurmctld"].poll()
        if code is not None:
            raise Hopeless(f"slurmctld ended with {code}")
        return self.states()

    @contextmanager
    def hung_nodes(self) -> Iterator[None]:
        """Let the nodes' daemons stand still; jobs go on."""
        daemons = [self.daemons[name] for name in NODES]
        for one in daemons:
            one.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for one in daemons:
                one.send_signal(signal.SIGCONT)

    def home(self, account: str) -> Path:
        """Return the home of an account."""
        return self.root / "home" / account

    def run(self, *command: str, check: bool = True) -> str:
        """Run a command as the administrator and return what it printed."""
        environment, limit = self.environment(), minutes(2)
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, env=environment, timeout=limit
            )
        except subprocess.TimeoutExpired as error:  # a controller that is away: waits go on
            raise AssertionError(f"{command}: no answer in {limit:g} s") from error
        if check and done.returncode:
            raise AssertionError(f"{command}: {done.stdout}{done.stderr}")
        return done.stdout

    def as_account(
        self,
        account: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        text: str | None = None,
        within: float = 3,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as an account, as if it had logged in; `within` is minutes."""
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            input=text,
            env={**self.environment(account), **(environment or {})},
            cwd=self.home(account),
            timeout=minutes(within),
            **identity(account),
        )

    def environment(self, account: str = "root") -> dict[str, str]:
        """Return the environment of a login."""
        home = self.home(account) if account != "root" else self.root
        return {"PATH": PATH, "HOME": str(home), "USER": account, "LANG": "C.UTF-8"}

    def states(self) -> set[str]:
        """Return the states of the nodes, as sinfo says them."""
        return set(self.run("sinfo", "-h", "-N", "-o", "%t", check=False).split())

    def jobs(self, *, states: str = "PENDING,RUNNING,SUSPENDED,COMPLETING") -> list[dict[str, str]]:
        """Return the jobs, one for each array task."""
        text = self.run("squeue", "-h", "-r", f"--states={states}", "-o", "|".join(FIELDS.values()))
        return [dict(zip(FIELDS, line.split("|"), strict=False)) for line in text.splitlines()]

    def wait_quiet(self) -> None:
        """Wait until no job is left, and no process of Dask that jobs of users have started."""

        def clusters() -> list[str]:  # not whole environments: they hold tokens
            found = [*of_dask(ACCOUNTS["ada"]), *of_dask(ACCOUNTS["ben"])]
            return [one.get("DASK_GATEWAY_CLUSTER_NAME", "none") for one in found]

        self.no_jobs()
        eventually(
            lambda: not clusters(), lambda: f"no process, is of {clusters()}", scene=self.tails
        )

    def no_jobs(self) -> None:
        """Wait until no job is left."""
        eventually(lambda: not self.jobs(), "the end of all jobs", within=3, scene=self.tails)

    def tails(self) -> str:
        """Return the last lines of the daemons' logs."""
        logs = sorted((self.root / "log").glob("*.log"))
        return "\n".join(f"{log.name}: {log.read_text()[-400:]}" for log in logs)[-3000:]

    def _end_lost_processes(self) -> None:
        """End what Slurm lost in a test that failed: processes with a home of the centre."""
        homes = str(self.root / "home")
        for one in psutil.process_iter(["environ"]):
            if (one.info["environ"] or {}).get("HOME", "").startswith(homes):
                with suppress(psutil.NoSuchProcess):
                    one.kill()

    def _write(self) -> None:
        for name in ("slurm", "munge", "state", "log", "sudoers.d", "home", *NODES):
            (self.root / name).mkdir()
        write_accounts(self.root)
        for name in ("passwd", "group", "shadow"):
            private.bind(self.root / name, Path("/etc", name))
        private.bind(self.sudoers, Path("/etc/sudoers.d"))
        self.conf.write_text(slurm_conf(self.root, socket.gethostname().split(".")[0], self.ports))
        (self.root / "slurm" / "gres.conf").write_text("Name=gpu File=/dev/null\n")
        private.bind(self.conf.parent, Path("/etc/slurm"))
        shutil.chown(self.root / "state", "slurm")
        for name in ACCOUNTS:
            shutil.copytree("/etc/skel", self.home(name), dirs_exist_ok=True)
            self.home(name).chmod(0o700)
            for path in (self.home(name), *self.home(name).rglob("*")):
                shutil.chown(path, name, GROUP)

    def _start_munge(self) -> None:
        folder = self.root / "munge"
        key = folder / "key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        for path in (folder, key):
            shutil.chown(path, "munge", "munge")
        options = [f"--{name}={folder / name}" for name in ("socket", "seed-file", "log-file")]
        command = ["munged", "-F", *options, f"--key-file={key}", f"--pid-file={folder / 'pid'}"]
        self._daemon("munged", command, account="munge")
        eventually((folder / "socket").exists, "munge", scene=self.tails)

    def _daemon(self, name: str, command: list[str], *, account: str | None = None) -> None:
        with (self.root / "log" / f"{name}.out.log").open("ab") as log:
            self.daemons[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={"PATH": PATH},
                start_new_session=True,
                **(identity(account) if account else {}),
            )


FIELDS = {
    "job": "%i",
    "state": "%T",
    "user": "%u",
    "name": "%j",
    "partition": "%P",
    "node": "%N",
    "comment": "%k",
}


def identity(account: str) -> dict[str, object]:
    """Return arguments of `subprocess.Popen` that make a process another account's."""
    import pwd

    entry = pwd.getpwnam(account)
    groups = os.getgrouplist(account, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": groups, "umask": 0o022}


def needed() -> list[Path]:
    """Return the folders that every account of the centre must be able to read."""
    repository = Path(__file__).parents[3]
    return [Path(sys.base_prefix), Path(sys.prefix), repository]
