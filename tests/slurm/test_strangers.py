"""Other users, and a gateway that was taken over: what they cannot do."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from dask_gateway_server.tls import new_keypair
from hpc import Centre
from hpc.login import Login, staging
from hpc.processes import of_dask
from hypothesis import given
from hypothesis import strategies as st
from support.waiting import eventually

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(600)]
GOOD: dict[str, Any] = {
    "action": "submit",
    "kind": "workers",
    "cluster": "b" * 32,
    "names": ["c" * 32],
    "cores": 1,
    "threads": 1,
    "memory_mb": 100,
    "minutes": 1,
    "gpus": 0,
    "scheduler": "tls://127.0.0.1:1",
    "partition": "normal",
    "extra": {},
    "environment": {},
    "files": {"dask.crt": "x", "dask.pem": "x"},
}


@pytest.fixture(scope="module")
def adas(login: Login) -> Iterator[str]:
    name = login.open()
    login.becomes(name, "RUNNING")
    yield name
    login.close(name)


def test_another_user_sees_stops_and_reads_nothing(login: Login, centre: Centre, adas: str) -> None:
    assert adas not in login.ask("GET", "/api/v1/clusters/", "ben").json()
    for method, path in (
        ("GET", f"/api/v1/clusters/{adas}"),
        ("GET", f"/api/v1/clusters/{adas}/waiting"),
        ("DELETE", f"/api/v1/clusters/{adas}"),
        ("POST", f"/api/v1/clusters/{adas}/scale"),
    ):
        answer = login.ask(method, path, "ben", json={"count": 1} if method == "POST" else None)
        assert answer.status_code in (403, 404), (path, answer.status_code)
        assert "tls://" not in answer.text
    assert login.told(adas)["status"] == "RUNNING"
    folder = staging(centre, "ada") / adas
    for path in (folder, folder / "dask.pem", next(folder.glob("*.log"))):
        done = centre.as_account("ben", ["cat", str(path)])
        assert "Permission denied" in done.stderr
    job = next(one["job"] for one in centre.jobs() if one["comment"].endswith(adas))
    assert "Access/permission denied" in centre.as_account("ben", ["scancel", job]).stderr
    seen = centre.as_account("ben", ["scontrol", "show", "job", job]).stdout
    assert "tls://" not in seen
    script = centre.as_account("ben", ["scontrol", "write", "batch_script", job, "-"])
    assert "dask" not in script.stdout


def as_gateway(login: Login, request: Any, *words: str, account: str = "ada") -> Any:
    command = ["sudo", "-n", "-H", "-u", account, "--", str(login.launcher), *words]
    return login.centre.as_account("dask", command, text=json.dumps(request))


def test_the_sudo_rule_allows_nothing_else(login: Login, centre: Centre) -> None:
    assert json.loads(as_gateway(login, {"action": "check"}).stdout)["account"] == "ada"
    copy = centre.home("dask") / login.launcher.name  # another file of the same name
    shutil.copy(login.launcher, copy)
    copy.chmod(0o755)
    tries = [
        ["sudo", "-n", "-u", "ada", "/bin/sh", "-c", "id"],
        ["sudo", "-n", "-u", "ada", "--", str(login.launcher), "--config=x"],
        ["sudo", "-n", "-u", "root", "--", str(login.launcher)],
        ["sudo", "-n", "--", str(login.launcher)],
        ["sudo", "-n", "-u", "eve", "--", str(login.launcher)],
        ["sudo", "-n", "-u", "dask", "--", str(login.launcher)],
        ["sudo", "-n", "-u", "#0", "--", str(login.launcher)],
        ["sudo", "-n", "-u", "#-1", "--", str(login.launcher)],
        ["sudo", "-n", "-u", "ada", "-g", "root", "--", str(login.launcher)],
        ["sudo", "-n", "-s", "-u", "ada"],
        ["sudo", "-n", "-i", "-u", "ada"],
        ["sudo", "-n", "-e", "-u", "ada", "/etc/passwd"],
        ["sudo", "-n", "-u", "ada", "LD_PRELOAD=/tmp/x.so", str(login.launcher)],
        ["sudo", "-n", "-u", "ada", "PYTHONPATH=/tmp", str(login.launcher)],
        ["sudo", "-n", "-E", "-u", "ada", "--", str(login.launcher)],
        [
            "sudo",
            "-n",
            "-u",
            "ada",
            "--",
            str(copy),
        ],
    ]
    for words in tries:
        done = centre.as_account("dask", words, text='{"action": "check"}')
        assert done.returncode != 0, words
        assert "uid=" not in done.stdout
        assert '"ok": true' not in done.stdout, words
    for account in ("ben", "eve"):
        words = ["sudo", "-n", "-u", "ada", "--", str(login.launcher)]
        assert centre.as_account(account, words, text="{}").returncode != 0
    writable = centre.as_account("dask", ["sh", "-c", f"echo >> {login.launcher}"])
    assert writable.returncode != 0


BAD: list[dict[str, Any]] = [
    {"cluster": "../../../etc"},
    {"cluster": "$(id)" + "a" * 27},
    {"names": ["a; touch /tmp/x"]},
    {"names": [["c" * 32]]},
    {"scheduler": "tls://x:1 $(id)"},
    {"scheduler": "tls://x:1\nid"},
    {"partition": "secret"},
    {"partition": "normal --wrap=id"},
    {"extra": {"wrap": "id"}},
    {"extra": {"nice": "1 --wrap=id"}},
    {"extra": {"nice": "1\n"}},
    {"environment": {"LD_PRELOAD": "/tmp/x"}},
    {"environment": {"PATH": "/tmp"}},
    {"environment": {"SBATCH_WRAP": "id"}},
    {"environment": {"GDAL_X,ALL": "1"}},
    {"environment": {"BASH_ENV": "/tmp/x"}},
    {"environment": {"GDAL_X": 1}},
    {"cores": True},
    {"cores": 9999},
    {"memory_mb": -1},
    {"files": {"../x": "1"}},
    {"files": {"dask.crt": "x"}},
    {"kind": "anything"},
    {"action": "run"},
]


@pytest.mark.parametrize("change", BAD, ids=str)
def test_a_crafted_request_is_refused(login: Login, centre: Centre, change: dict[str, Any]) -> None:
    done = as_gateway(login, {**GOOD, **change})
    told = json.loads(done.stdout)
    assert (told["ok"], told["kind"]) == (False, "request"), told
    assert not (staging(centre, "ada") / GOOD["cluster"]).exists()


def test_values_of_the_environment_reach_no_shell(login: Login, centre: Centre) -> None:
    trap = centre.root / "trap"
    value = f"$(touch {trap}) `touch {trap}`; touch {trap}\n#SBATCH --uid=0\ntouch {trap}"
    login.stop("api")  # it would cancel the job, which is none of its own, before its script ran
    try:
        # With a certificate that works, a worker looks for its scheduler for long enough to be seen.
        pair = zip(("dask.crt", "dask.pem"), new_keypair(GOOD["cluster"]), strict=True)
        files = {name: text.decode() for name, text in pair}
        request = {**GOOD, "files": files, "environment": {"GDAL_X": value}}
        told = json.loads(as_gateway(login, request).stdout)
        assert told["ok"], told
        eventually(
            lambda: value in [one.get("GDAL_X") for one in of_dask(61001)],
            "the variable in a job",
            within=3,
            scene=centre.tails,
        )
        assert json.loads(as_gateway(login, {"action": "cancel", "jobs": [told["job"]]}).stdout)
        gone = f"{told['job']}_0"
        eventually(
            lambda: gone not in [one["job"] for one in centre.jobs()], "its end", scene=centre.tails
        )
    finally:
        login.start("api")
    assert not trap.exists()
    assert json.loads(as_gateway(login, {**GOOD, "action": "tidy"}).stdout)["ok"]


FUZZED = ["cluster", "partition", "scheduler", "qos", "constraint", "account", "cores", "extra"]


@given(
    field=st.sampled_from(FUZZED),
    value=st.text(max_size=60)
    | st.integers()
    | st.dictionaries(st.sampled_from(["nice", "begin", "wrap"]), st.text(max_size=20)),
)
def test_fuzzed_words_never_reach_a_command_line(login: Login, field: str, value: Any) -> None:
    """What the launcher makes of a request has the lines and words of a good one, or there is none."""
    from geodes_datalab.hub.gateway.slurm import launcher
    from geodes_datalab.hub.gateway.slurm.settings import launcher_file

    config = launcher_file(login.settings)
    good = launcher.script_of(config, GOOD, "/folder").splitlines()
    request = {**GOOD, field: value}
    try:
        words = launcher.sbatch_words(config, request, "/folder")
        script = launcher.script_of(config, request, "/folder").splitlines()
        launcher.fits(request["cluster"], launcher.NAME, "cluster")
    except (launcher.Refused, ValueError, TypeError, KeyError, AttributeError):
        return  # as the launcher's main takes them
    assert len(script) == len(good)
    assert script[:-1] == good[:-1]
    assert len(shlex.split(script[-1])) == len(shlex.split(good[-1]))
    assert all(one.startswith("--") or one == config["sbatch"] for one in words)
    assert not {" ", "\t", "\n", "\0", ";", "`", "$"} & set("".join(words))


@given(user=st.text(max_size=40))
def test_fuzzed_user_names_are_accounts_or_refused(user: str) -> None:
    import pwd

    from geodes_datalab.hub.gateway.limits import Refused
    from geodes_datalab.hub.gateway.slurm.accounts import Mapping
    from geodes_datalab.settings import Accounts

    try:
        name = Mapping(Accounts()).account(user)
    except Refused:
        return
    assert pwd.getpwnam(name).pw_uid >= 1000
