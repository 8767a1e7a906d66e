"""Submits, cancels and tidies the jobs of a Dask cluster under the account that it runs as.

The gateway starts it by one sudo rule, without arguments, and writes one JSON request to its input.
Everything that a request holds is checked against a file that only root can write: whoever takes
over the gateway can start Dask's own programs under the accounts of the rule's group, within the
limits of that file, and nothing else. It imports only the standard library, is meant to be
installed by copying (`geodes_datalab.hub.gateway.slurm.site` does that), and answers in JSON:
``{"ok": true, "job": "17"}`` or ``{"ok": false, "kind": "request", "error": "..."}``.
"""

from __future__ import annotations

import fnmatch
import json
import os
import pwd
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import time
from typing import Any, NoReturn

CONFIG = "/etc/geodes-datalab/launcher.json"
LONGEST_REQUEST = 2_000_000
NAME = re.compile(r"[0-9a-f]{32}")
JOB = re.compile(r"[1-9][0-9]{0,11}(_[0-9]{1,7})?")
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.,:=&|+*()\[\]-]{0,63}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
ADDRESS = re.compile(r"tls://[A-Za-z0-9.:\[\]_-]{1,255}")
FORBIDDEN = ("LD_*", "PYTHON*", "SLURM*", "SBATCH*", "BASH*", "ENV", "PATH", "IFS", "HOME", "SHELL")
"""Variables that are never taken from a request, whatever the file allows."""
FILES = ("dask.crt", "dask.pem")
TIDY_TRIES = 10
SECONDS = 110
"""How long it may take: the gateway, which gives up a little later, could not end what sudo started."""


class Refused(Exception):
    """A request that is not carried out."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def main() -> None:
    """Carry out the request on standard input."""
    os.umask(0o077)
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(SECONDS)
    try:
        if sys.argv[1:]:
            refuse("this program takes no arguments")
        config = read_config(CONFIG)
        request = read_request()
        action = ACTIONS.get(str(request.get("action")))
        if action is None:
            refuse(f"action must be one of {', '.join(ACTIONS)}")
        answer = {"ok": True, **action(config, request)}
    except Refused as error:
        answer = {"ok": False, "kind": error.kind, "error": str(error)}
    except OSError as error:
        answer = {"ok": False, "kind": "system", "error": f"{error.filename}: {error.strerror}"}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        answer = {"ok": False, "kind": "request", "error": f"{type(error).__name__}: {error}"[:500]}
    json.dump(answer, sys.stdout)


def give_up(*_: Any) -> NoReturn:
    """End what takes too long."""
    raise Refused("slurm", f"socket timed out: no answer within {SECONDS} s")


def read_config(path: str) -> dict[str, Any]:
    """Return the administrator's file; nobody but its owner may be able to change it."""
    with open(path, encoding="utf-8") as stream:  # noqa: PTH123  # os.fstat needs the open file
        result = os.fstat(stream.fileno())
        if result.st_uid not in (0, os.getuid()) or stat.S_IMODE(result.st_mode) & 0o022:
            raise Refused("setup", f"{path} must belong to root and be writable by root alone")
        config: dict[str, Any] = json.load(stream)
    return config


def read_request() -> dict[str, Any]:
    """Return what the gateway wants."""
    text = sys.stdin.read(LONGEST_REQUEST + 1)
    if len(text) > LONGEST_REQUEST:
        refuse("the request is too long")
    request = json.loads(text)
    if not isinstance(request, dict):
        refuse("the request must be an object")
    return request


def submit(config: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Write the cluster's certificate, and submit a scheduler or an array of workers."""
    cluster = fits(request["cluster"], NAME, "cluster")
    folder = staging(config, cluster)
    script = script_of(config, request, folder)
    words, variables = sbatch_words(config, request, folder), environment(config, request, folder)
    store(folder, request["files"])
    done = run([*words, f"--export={','.join(sorted(variables))}"], variables, script)
    return {"job": done.strip().split(";")[0]}


def cancel(config: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Cancel jobs or single tasks, if they are the gateway's own; ended ones are no error."""
    jobs = [fits(item, JOB, "job") for item in request["jobs"]]
    if not jobs or len(jobs) > 2000:
        refuse("jobs must be a list of 1 to 2000")
    words = [config["scancel"], f"--name={job_name(config)}", *jobs]
    run(words, base_environment(config), None, calm=("Invalid job id", "already completing"))
    return {}


def tidy(config: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Remove the folder of a cluster."""
    folder = staging(config, fits(request["cluster"], NAME, "cluster"))
    if os.path.islink(folder):  # noqa: PTH114  # -I without pathlib starts faster
        refuse("the folder is a link")
    there = os.path.isdir(folder)  # noqa: PTH112
    for _ in range(TIDY_TRIES):  # a job that is just ending may write its log meanwhile
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.isdir(folder):  # noqa: PTH112
            return {"removed": there}
        time.sleep(0.5)
    shutil.rmtree(folder)  # says why
    return {"removed": there}


def log(config: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Return the last words of a cluster's newest log."""
    folder = staging(config, fits(request["cluster"], NAME, "cluster"))
    if not os.path.isdir(folder):  # noqa: PTH112
        return {"words": ""}
    logs = [one for one in os.scandir(folder) if one.name.endswith(".log") and one.is_file()]
    if not logs:
        return {"words": ""}
    newest = max(logs, key=lambda one: one.stat().st_mtime).path
    handle = os.open(newest, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(handle, "rb") as stream:
        stream.seek(max(0, os.fstat(handle).st_size - 4000))
        lines = stream.read().decode("utf-8", "replace").splitlines()
    return {"words": "\n".join(lines[-4:])[-600:]}


def check(config: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Tell which account this is."""
    return {"account": pwd.getpwuid(os.getuid()).pw_name, "instance": config["instance"]}


def sbatch_words(config: dict[str, Any], request: dict[str, Any], folder: str) -> list[str]:
    """Return sbatch's command line."""
    most = config["most"]
    count = len(request.get("names", []))
    words = [
        config["sbatch"],
        "--parsable",
        "--no-requeue",
        f"--job-name={job_name(config)}",
        f"--comment=geodes-datalab:{request['cluster']}",
        f"--chdir={home()}",
        f"--cpus-per-task={number(request, 'cores', 1, most['cores'])}",
        f"--mem={number(request, 'memory_mb', 1, most['memory_mb'])}M",
        f"--time={number(request, 'minutes', 1, most['minutes'])}",
    ]
    if request["kind"] == "workers":
        words += [f"--array=0-{count - 1}", f"--output={folder}/worker-%A_%a.log"]
    else:
        words += [f"--output={folder}/scheduler-%j.log"]
    gpus = number(request, "gpus", 0, most["gpus"]) if request["kind"] == "workers" else 0
    words += [f"--gres=gpu:{gpus}"] if gpus else []
    return words + chosen_words(config, request)


def chosen_words(config: dict[str, Any], request: dict[str, Any]) -> list[str]:
    """Return the words of what a user chose, each of it from a list of the administrator."""
    words = []
    for name in ("partition", "qos", "account", "constraint"):
        value = request.get(name) or ""
        if value:
            if value not in config["choices"][name]:
                refuse(f"{name} {value!r} is not allowed")
            words.append(f"--{name}={fits(value, WORD, name)}")
    for name, value in dict(request.get("extra") or {}).items():
        pattern = config["options"].get(name)
        if pattern is None:
            refuse(f"the sbatch option {name!r} is not allowed")
        words.append(f"--{name}={fits(value, re.compile(pattern), name)}")
    return words


def script_of(config: dict[str, Any], request: dict[str, Any], folder: str) -> str:
    """Return the job's script; it holds no secret."""
    lines = ["#!/bin/sh"]
    if config["setup"]:
        lines.append(f". {shlex.quote(config['setup'])}")
    lines += [
        f"host=$({listen(config['listen'])})",
        '[ -n "$host" ] || { echo "no address to listen on" >&2; exit 78; }',
        *scratch_lines(config),
    ]
    if request["kind"] == "scheduler":
        words = scheduler_words(request)
    elif request["kind"] == "workers":
        names = [fits(item, NAME, "worker") for item in request["names"]]
        if not names or len(names) > config["most"]["tasks"]:
            refuse(f"names must be a list of 1 to {config['most']['tasks']}")
        lines += [f"set -- {' '.join(names)}", 'shift "$SLURM_ARRAY_TASK_ID"', "name=$1"]
        words = worker_words(request)
    else:
        refuse("kind must be scheduler or workers")
    lines.append("exec " + " ".join([*map(shlex.quote, config["dask"]), *words]))
    return "\n".join(lines) + "\n"


def scratch_lines(config: dict[str, Any]) -> list[str]:
    """Return shell lines that choose a folder of the node for temporary files, this account's own.

    Dask imports modules from its folder: what another account could have made there is not taken. The
    folder is entered before its owner is looked at, so that nobody can exchange it meanwhile.
    """
    name = f"geodes-datalab-{pwd.getpwuid(os.getuid()).pw_name}"
    return [
        f"base=$(cd -P {shlex.quote(config['scratch'])} && pwd -P) || exit 78",
        f'own="$base"/{shlex.quote(name)}',
        'mkdir -m 700 "$own" 2>/dev/null',
        'if ! { cd -P "$own" && [ "$(pwd -P)" = "$own" ] && [ -O . ] && chmod 700 .; } 2>/dev/null; then',
        '    own=$(mktemp -d "$base/geodes-datalab-XXXXXXXX") || exit 78',
        "fi",
        "cd || exit 78",
        'export DASK_TEMPORARY_DIRECTORY="$own"',
    ]


def scheduler_words(request: dict[str, Any]) -> list[str]:
    """Return arguments of ``dask scheduler``, quoted for the script."""
    return [
        "scheduler --preload geodes_datalab.compute.tls --preload geodes_datalab.compute.idleness",
        "--preload dask_gateway.scheduler_preload --preload geodes_datalab.compute.lifetime",
        '--protocol tls --port 0 --host "$host"',
        '--dashboard-address "$host:0" --dg-api-address "$host:0"',
        f"--dg-heartbeat-period {number(request, 'heartbeat', 0, 3600)}",
        f"--dg-adaptive-period {real(request, 'adaptive')}",
        f"--dg-idle-timeout {real(request, 'idle')}",
    ]


def worker_words(request: dict[str, Any]) -> list[str]:
    """Return arguments of ``dask worker``, quoted for the script."""
    return [
        f"worker {shlex.quote(fits(request['scheduler'], ADDRESS, 'scheduler'))}",
        '--name "$name" --host "$host" --no-dashboard --dashboard-address "$host:0"',
        "--death-timeout 120",
        f"--nthreads {number(request, 'threads', 1, 4096)}",
        f"--memory-limit {number(request, 'memory_mb', 1, 1 << 30)}MiB",
    ]


def listen(where: str) -> str:
    """Return shell words that print the one address to listen on."""
    if where == "node":
        return "getent ahostsv4 \"$SLURMD_NODENAME\" | awk '{print $1; exit}'"
    if re.fullmatch(r"[0-9.]+", where):
        return f"echo {where}"
    link = shlex.quote(fits(where, re.compile(r"[A-Za-z0-9_.-]{1,15}"), "listen"))
    return f"ip -4 -o address show dev {link} | awk '{{split($4, a, \"/\"); print a[1]; exit}}'"


def environment(config: dict[str, Any], request: dict[str, Any], folder: str) -> dict[str, str]:
    """Return the job's environment: what the file allows of the request, and certificates."""
    wanted = dict(request.get("environment") or {})
    for name, value in wanted.items():
        fits(name, VARIABLE, "variable")
        allowed = any(fnmatch.fnmatchcase(name, item) for item in config["environment"])
        if not allowed or any(fnmatch.fnmatchcase(name, item) for item in FORBIDDEN):
            refuse(f"the variable {name} is not allowed")
        if not isinstance(value, str) or "\0" in value:
            refuse(f"the value of {name} must be a text")
    role = "SCHEDULER" if request["kind"] == "scheduler" else "WORKER"
    tls = "DASK_DISTRIBUTED__COMM__TLS__"
    return {
        **wanted,
        **base_environment(config),
        "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "True",
        f"{tls}CA_FILE": f"{folder}/dask.crt",
        f"{tls}{role}__CERT": f"{folder}/dask.crt",
        f"{tls}{role}__KEY": f"{folder}/dask.pem",
    }


def base_environment(config: dict[str, Any]) -> dict[str, str]:
    """Return the whole environment of sbatch and scancel: nothing of the caller's."""
    name = pwd.getpwuid(os.getuid()).pw_name
    return {
        "PATH": config["path"],
        "HOME": home(),
        "USER": name,
        "LOGNAME": name,
        "LANG": "C.UTF-8",
    }


def store(folder: str, files: dict[str, str]) -> None:
    """Write the certificate and its key, for this account alone."""
    if set(files) != set(FILES):
        refuse(f"files must be {', '.join(FILES)}")
    os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103
    os.chmod(folder, 0o700)  # noqa: PTH101
    for name in FILES:
        temporary = os.path.join(folder, f".{name}.{os.getpid()}")  # noqa: PTH118
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(temporary, flags, 0o600), "w") as stream:
            stream.write(files[name])
        os.replace(temporary, os.path.join(folder, name))  # noqa: PTH105, PTH118


def run(
    words: list[str], variables: dict[str, str], text: str | None, calm: tuple[str, ...] = ()
) -> str:
    """Run a command of Slurm and return what it printed."""
    done = subprocess.run(  # a list, without a shell
        words, input=text or "", env=variables, capture_output=True, text=True, check=False, cwd="/"
    )
    if done.returncode and not any(item in done.stderr for item in calm):
        raise Refused("slurm", done.stderr.strip()[-1000:] or f"exit code {done.returncode}")
    return done.stdout


def staging(config: dict[str, Any], cluster: str) -> str:
    """Return the folder of a cluster, which follows from its name and this account."""
    name = pwd.getpwuid(os.getuid()).pw_name
    return str(config["staging"]).format(home=home(), account=name) + "/" + cluster


def home() -> str:
    """Return the home of this account, as the system says it."""
    return pwd.getpwuid(os.getuid()).pw_dir


def job_name(config: dict[str, Any]) -> str:
    """Return the name that all jobs of this gateway bear, and no others."""
    return f"geodes-datalab-{config['instance']}"


def fits(value: Any, pattern: re.Pattern[str], what: str) -> str:
    """Return a text that is exactly of a form."""
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        refuse(f"{what}: {value!r} is not of the right form"[:300])
    return value


def number(request: dict[str, Any], name: str, low: int, high: int) -> int:
    """Return a whole number within bounds."""
    value = request[name]
    if type(value) is not int or not low <= value <= high:
        refuse(f"{name}: {value!r} is not within {low} and {high}"[:300])
    return int(value)


def real(request: dict[str, Any], name: str) -> float:
    """Return a number of seconds."""
    value = request[name]
    if type(value) not in (int, float) or not 0 <= value <= 1e7:
        refuse(f"{name}: {value!r} is no number of seconds"[:300])
    return float(value)


def refuse(text: str) -> NoReturn:
    """Do not carry out a request."""
    raise Refused("request", text)


ACTIONS = {"submit": submit, "cancel": cancel, "tidy": tidy, "log": log, "check": check}

if __name__ == "__main__":
    main()
