"""Environments of a user's own: made, used, changed, interrupted and made anew; pip reaches no network."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel
from support.waiting import eventually, minutes
from support.wheels import endless, wheel

from geodes_datalab.compute import versions
from geodes_datalab.environments import found
from geodes_datalab.environments.record import Record
from geodes_datalab.environments.verbs import located

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links and signals")


@pytest.fixture(scope="session")
def datalab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small datalab on top of this one, with a pip: it can be updated, and be gone."""
    folder = tmp_path_factory.mktemp("datalab") / "first"
    venv.EnvBuilder(symlinks=True, with_pip=True).create(folder)
    line = f"import site; site.addsitedir({sysconfig_purelib(Path(sys.prefix))!r})\n"
    (Path(sysconfig_purelib(folder)) / "all.pth").write_text(line)
    return folder


def sysconfig_purelib(prefix: Path) -> str:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return str(prefix / "lib" / version / "site-packages")


@dataclass
class User:
    """Somebody at a terminal of the datalab."""

    datalab: Path
    wheels: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environments(self) -> Path:
        return Path.home() / ".local" / "share" / "geodes-datalab" / "environments"

    def folder(self, name: str = "mine") -> Path:
        return self.environments / name

    def command(self, *words: str) -> list[str]:
        return [str(self.datalab / "bin" / "python"), "-m", "geodes_datalab.cli", "env", *words]

    @property
    def environ(self) -> dict[str, str]:
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}
        return {**os.environ, **offline, **self.variables}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.do(*self.command(*words))

    def do(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self.environ, capture_output=True, text=True, timeout=minutes(3)
        )

    def done(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def refused(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    def python(self, code: str, name: str = "mine") -> str:
        done = self.do(str(self.folder(name) / "bin" / "python"), "-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def told(self) -> list[dict[str, Any]]:
        return json.loads(self.run("list", "--json").stdout)

    def kernel(self, name: str = "mine") -> Path:
        return Path.home() / ".local" / "share" / "jupyter" / "kernels" / name


@pytest.fixture
def user(datalab: Path, tmp_path: Path) -> User:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel(wheels, "land-tool", "1.0", ["numpy", "xarray>=2025"])
    wheel(wheels, "land-tool", "2.0", ["numpy", "xarray>=2025"])
    wheel(wheels, "sea-tool")
    return User(datalab, wheels)


def in_kernel(name: str, *cells: str, environ: dict[str, str] | None = None) -> list[str]:
    """Start a kernel as the Lab does, run cells, and return what each printed, with its errors."""
    manager, client = start_new_kernel(kernel_name=name, env=environ or dict(os.environ))
    try:
        return ["".join(_printed(client, cell)) for cell in cells]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _printed(client: Any, cell: str) -> list[str]:
    texts: list[str] = []

    def take(message: dict[str, Any]) -> None:
        content = message["content"]
        texts.append(content.get("text", "") + "\n".join(content.get("traceback", [])))

    client.execute_interactive(cell, output_hook=take, timeout=minutes(2))
    return texts


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("../other", "other"),
        ("a/b", "a-b"),
        ("/abs", "abs"),
        ("My Env", "my-env"),
        ("été", "ete"),
        (".hidden", "hidden"),
        ("a" * 41, "a" * 40),
        ("", "mine"),
        ("..", "mine"),
        ("日本", "mine"),
        ("a\nb", "a-b"),
    ],
)
def test_a_name_that_is_no_folder_or_kernel_is_refused(user: User, name: str, other: str) -> None:
    said = user.refused("create", name)
    assert "cannot name an environment" in said
    assert other in said
    assert not user.environments.exists()


def test_a_name_that_a_kernel_has_is_refused(user: User) -> None:
    assert "there is a kernel named 'python3' already" in user.refused("create", "python3")
    user.kernel("theirs").mkdir(parents=True)
    (user.kernel("theirs") / "kernel.json").write_text('{"argv": ["x"], "display_name": "x"}')
    assert "there is a kernel named 'theirs' already" in user.refused("create", "theirs")
    assert user.told() == []


def test_an_environment_has_ours_and_its_own(user: User) -> None:
    said = user.done("create", "mine", "land-tool")
    assert "mine is ready. Of its own it has: land-tool 2.0" in said
    assert "already satisfied" not in said
    code = "import land_tool, xarray, sys; print(land_tool.__file__, xarray.__file__, sys.path, sep='\\n')"
    own, ours, path = user.python(code).splitlines()
    assert own.startswith(str(user.folder()))
    assert not ours.startswith(str(user.folder()))
    entries = path.strip("[]").split(", ")
    assert len(entries) == len(set(entries)), "a folder is looked through twice"
    assert sorted(path.name for path in (user.folder() / "bin").glob("land*")) == ["land-tool"]
    assert user.do(str(user.folder() / "bin" / "land-tool")).stdout == "land-tool 2.0\n"


def test_what_ours_has_is_not_installed_again(user: User) -> None:
    said = user.done("create", "mine", "numpy", "xarray>=2025", "land-tool")
    assert "Of its own it has: land-tool 2.0\n" in said
    assert user.told()[0]["packages"] == {"land-tool": "2.0"}
    assert sum(file.stat().st_size for file in user.folder().rglob("*") if file.is_file()) < 200_000


def test_its_pip_installs_into_it(user: User) -> None:
    user.done("create", "mine")
    pip = str(user.folder() / "bin" / "pip")
    assert user.do(pip, "install", "sea-tool").returncode == 0
    assert user.python("import sea_tool; print(sea_tool.__file__)").startswith(str(user.folder()))
    local = user.do(pip, "list", "--local", "--format=json").stdout
    assert [each["name"] for each in json.loads(local)] == ["sea-tool"]
    assert user.do(pip, "uninstall", "-y", "numpy").returncode == 0
    assert user.python("import numpy; print(1)") == "1", "ours is out of its reach"


def test_the_kernel_is_in_the_launcher_and_runs(user: User) -> None:
    user.done("create", "mine", "land-tool")
    spec = json.loads((user.kernel() / "kernel.json").read_text())
    assert spec["display_name"] == "mine"
    assert (user.kernel() / "logo-svg.svg").is_file()
    both, magic, shell, there = in_kernel(
        "mine",
        "import xarray, land_tool, sys; print(xarray.DataArray([1]).sum().item(), land_tool.__version__)",
        "%pip install -q sea-tool",
        "!pip list --local --format=freeze",
        "import sea_tool; print(sea_tool.__file__)",
        environ=user.environ,
    )
    assert both == "1 2.0\n"
    assert "sea-tool==1.0" in shell, magic
    assert there.startswith(str(user.folder()))


def test_add_list_and_remove(user: User) -> None:
    assert "there are no environments" in user.done("list")
    user.done("create", "mine", "land-tool==1.0")
    user.done("create", "other")
    said = user.done("add", "mine", "land-tool>=2", "sea-tool")
    assert "mine is ready. Of its own it has: land-tool 2.0, sea-tool 1.0" in said
    shown = user.done("list")
    assert "mine" in shown
    assert "land-tool>=2, sea-tool" in shown
    mine, other = user.told()
    assert mine["asked"] == ["land-tool>=2", "sea-tool"], "the newer wish replaces the older one"
    assert (mine["state"], other["state"]) == ("ready", "ready")
    assert "are removed" in user.done("remove", "mine")
    assert not user.folder().exists()
    assert not user.kernel().exists()
    assert user.kernel("other").exists()
    assert sorted(path.name for path in user.environments.iterdir()) == [".lock", "other"]
    for verb in (["add", "othr", "x"], ["remove", "othr"], ["renew", "othr"]):
        assert 'did you mean "other"?' in user.refused(*verb)
    assert "already" in user.refused("create", "other")


def test_files_and_folders_are_recorded_by_their_whole_paths(user: User, tmp_path: Path) -> None:
    listed = tmp_path / "wanted.txt"
    listed.write_text("# what I need\n\nland-tool==1.0  # the old one\n")
    own = wheel(tmp_path, "near-tool")
    user.variables["PYTHONPATH"] = ""
    done = subprocess.run(
        user.command("create", "mine", "-r", "wanted.txt", f"./{own.name}"),
        cwd=tmp_path, env=user.environ, capture_output=True, text=True, timeout=minutes(2),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert user.told()[0]["asked"] == [str(own), "land-tool==1.0"]
    assert user.told()[0]["packages"] == {"land-tool": "1.0", "near-tool": "1.0"}
    listed.write_text("--index-url https://elsewhere\n")
    assert "is no package" in user.refused("add", "mine", "-r", str(listed))


@pytest.mark.parametrize(
    ("written", "recorded"),
    [
        ("./tool[dev]", "{here}/tool[dev]"),
        (".[dev,test]", "{here}[dev,test]"),
        ("-e tool", "-e {here}/tool"),
        ("-e .[dev]", "-e {here}[dev]"),
        ("-e git+https://host/tool.git#egg=tool", "-e git+https://host/tool.git#egg=tool"),
        ("tool-1.0.tar.gz", "{here}/tool-1.0.tar.gz"),
        ("tool", "tool"),
        ("tool[dev]", "tool[dev]"),
    ],
)
def test_extras_of_a_folder_are_kept_and_its_path_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, recorded: str
) -> None:
    (tmp_path / "tool").mkdir()
    (tmp_path / "tool-1.0.tar.gz").touch()
    monkeypatch.chdir(tmp_path)
    assert located([written]) == [recorded.format(here=tmp_path.resolve())]


def test_a_folder_that_is_not_there_is_no_package_to_work_on(user: User) -> None:
    assert "there is no folder ./nothing\n" in user.refused(
        "create", "mine", "-e", "./nothing[dev]"
    )


def test_a_package_that_cannot_be_had_leaves_nothing(user: User) -> None:
    said = user.refused("create", "mine", "land-tool", "no-such-tool")
    assert "No matching distribution found for no-such-tool" in said
    assert "pip could not install land-tool no-such-tool" in said
    assert list(user.environments.iterdir()) == [user.environments / ".lock"]
    assert not user.kernel().exists()


def test_a_package_that_asks_for_another_version_of_ours_is_told(user: User) -> None:
    wheel(user.wheels, "old-tool", requires=["xarray<2000"])
    said = user.refused("create", "mine", "old-tool")
    assert "xarray<2000" in said
    assert user.told() == []


def test_an_add_that_fails_changes_nothing(user: User) -> None:
    user.done("create", "mine", "land-tool==1.0")
    before = sorted(
        str(path) for path in user.folder().rglob("*") if "__pycache__" not in str(path)
    )
    user.refused("add", "mine", "land-tool>=2", "no-such-tool")
    after = sorted(str(path) for path in user.folder().rglob("*") if "__pycache__" not in str(path))
    assert after == before
    assert user.python("import land_tool; print(land_tool.__version__)") == "1.0"
    assert user.told()[0]["asked"] == ["land-tool==1.0"]


@pytest.fixture
def building(user: User, tmp_path: Path) -> Iterator[Any]:
    """Start a command that gets as far as the build of a package, which never ends."""
    began, running = tmp_path / "began", []
    user.variables["BUILD_BEGAN"] = str(began)

    def start(*words: str) -> subprocess.Popen[str]:
        hears = ("env", "--default-signal=HUP")  # tests under nohup would hand on its deafness
        process = subprocess.Popen(
            [*hears, *user.command(*words, str(endless(tmp_path, "slow-tool")))],
            env=user.environ, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        running.append(process)
        eventually(began.exists, "the build has begun")
        return process

    yield start
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_leaves_nothing_half_made(user: User, building: Any, number: signal.Signals) -> None:
    process = building("create", "mine", "land-tool")
    assert user.folder().is_dir()
    os.killpg(process.pid, number)
    said, _ = process.communicate(timeout=minutes(1))
    assert process.returncode == 130, said
    assert "stopped: nothing was made" in said
    assert list(user.environments.iterdir()) == [user.environments / ".lock"]
    assert not user.kernel().exists()


def test_ctrl_c_leaves_what_was_there(user: User, building: Any) -> None:
    user.done("create", "mine", "land-tool==1.0")
    process = building("add", "mine", "land-tool>=2")
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=minutes(1))
    assert "stopped: mine is as it was" in said
    assert user.told()[0]["packages"] == {"land-tool": "1.0"}
    assert user.python("import land_tool; print(land_tool.__version__)") == "1.0"


@pytest.mark.parametrize("verb", ["add", "create"])
def test_after_a_kill_the_next_command_puts_things_in_order(
    user: User, building: Any, verb: str
) -> None:
    if verb == "add":
        user.done("create", "mine", "land-tool==1.0")
    process = building(verb, "mine", "land-tool>=2")
    assert "another geodes-datalab env is" in user.refused("create", "second")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    told = user.told()
    assert [each["packages"] for each in told] == ([{"land-tool": "1.0"}] if verb == "add" else [])
    assert user.kernel().exists() == (verb == "add")


def test_a_folder_that_is_none_of_ours_stays(user: User) -> None:
    (user.folder("notes")).mkdir(parents=True)
    (user.folder("notes") / "text").touch()
    user.done("create", "mine")
    told = user.done("list")
    assert "notes cannot be used: it is not whole" in told
    assert "What to do: geodes-datalab env remove notes" in told
    assert "env remove notes" in user.refused("renew", "notes")
    assert (user.folder("notes") / "text").exists()


def test_a_record_that_cannot_be_read_is_made_anew_of_what_is_there(user: User) -> None:
    user.done("create", "mine", "land-tool==1.0")
    (user.folder() / "datalab-environment.json").write_text("{")
    assert "What to do: geodes-datalab env renew mine" in user.done("list")
    user.done("renew", "mine")
    assert list(user.told()[0]["packages"]) == ["land-tool"]
    assert user.told()[0]["state"] == "ready"


def test_the_datalab_is_gone_and_its_environments_are_made_anew(user: User, tmp_path: Path) -> None:
    first = tmp_path / "of-before"
    shutil.copytree(user.datalab, first, symlinks=True)
    before = User(first, user.wheels)
    before.done("create", "mine", "land-tool==1.0")
    before.do(str(before.folder() / "bin" / "pip"), "install", "sea-tool")
    shutil.rmtree(first)

    shown = user.done("list")
    assert f"mine cannot be used: it was made with Python {python()} on top of {first}" in shown
    assert "What to do: geodes-datalab env renew mine" in shown
    assert "geodes-datalab env renew mine" in user.refused("add", "mine", "sea-tool")
    (told,) = in_kernel("mine", "1 + 1")
    assert 'the environment "mine" cannot be used' in told
    assert "geodes-datalab env renew mine" in told

    user.done("renew", "mine")
    assert user.told()[0]["packages"] == {"land-tool": "1.0", "sea-tool": "1.0"}
    assert user.told()[0]["asked"] == ["land-tool==1.0", "sea-tool"]
    assert in_kernel("mine", "import land_tool, sea_tool, xarray; print(1)") == ["1\n"]


def test_another_python_is_told(user: User) -> None:
    user.done("create", "mine", "land-tool==1.0", "sea-tool")
    of_before(user.folder())
    assert f"it was made with Python 3.9, and {python()} is here" in user.done("list")
    (told,) = in_kernel("mine", "1 + 1")
    assert "geodes-datalab env renew mine" in told
    user.wheels.rename(user.wheels.with_name("away"))
    user.refused("renew", "mine")
    assert user.told()[0]["asked"] == ["land-tool==1.0", "sea-tool"], "a renewal that fails is none"
    user.wheels.with_name("away").rename(user.wheels)
    user.done("renew", "mine")
    assert user.told()[0]["packages"] == {"land-tool": "1.0", "sea-tool": "1.0"}


def test_a_home_that_was_moved_is_told(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    user.done("create", "mine", "land-tool")
    moved = Path.home().with_name(Path.home().name + "-moved")
    Path.home().rename(moved)
    monkeypatch.setenv("HOME", str(moved))
    for name in ("CACHE", "CONFIG", "DATA", "STATE"):
        monkeypatch.delenv(f"XDG_{name}_HOME")
    assert "mine cannot be used: its kernel is not in the launcher" in user.done("list")
    user.done("renew", "mine")
    assert user.told()[0]["state"] == "ready"
    assert in_kernel("mine", "import land_tool; print(land_tool.__file__)")[0].startswith(
        str(moved)
    )


def test_tokens_of_addresses_are_not_shown(user: User) -> None:
    address = "git+https://me:s3cr3t@127.0.0.1:1/one.git"
    assert "s3cr3t" not in user.refused("create", "mine", address)
    user.done("create", "mine")
    record = user.folder() / "datalab-environment.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"packages": [address]}))
    assert "git+https://****@127" in user.done("list", "--json")
    assert "s3cr3t" not in user.done("list") + user.done("list", "--json")
    user.done("add", "mine", "land-tool")
    assert record.stat().st_mode & 0o077 == 0
    assert address in record.read_text(), "it is made anew with it"


def python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def of_before(folder: Path) -> None:
    """Make an environment what an image's update leaves: the same links, which lead to a newer Python."""
    record = folder / "datalab-environment.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"python": "3.9"}))
    (folder / "lib" / f"python{python()}").rename(folder / "lib" / "python3.9")


def test_an_update_of_the_datalab_reaches_its_environments(user: User, tmp_path: Path) -> None:
    updated = tmp_path / "updated"
    shutil.copytree(user.datalab, updated, symlinks=True)
    user.datalab = updated
    user.done("create", "mine", "land-tool")
    wheel(user.wheels, "base-tool")
    pip = [str(updated / "bin" / "python"), "-m", "pip", "install"]
    assert user.do(*pip, "base-tool").returncode == 0
    assert user.python("import base_tool; print(base_tool.__version__)") == "1.0"
    assert user.told()[0]["state"] == "ready"
    wheel(user.wheels, "base-tool", "2.0")
    wheel(user.wheels, "picky-tool", requires=["base-tool<2"])
    user.done("add", "mine", "picky-tool")
    assert user.do(*pip, "-U", "base-tool").returncode == 0
    assert "mine: picky-tool 1.0 has requirement base-tool<2" in user.done("list")


def test_another_dask_than_the_workers_is_told(user: User) -> None:
    wheel(user.wheels, "dask", "1.0")
    said = user.done("create", "mine", "dask==1.0")
    assert "mine: dask 1.0 stands before the datalab's" in said
    assert "Dask clusters have the datalab's and refuse another" in said
    assert "geodes-datalab" in said, "pip's own words on what does not go with it"
    assert "dask 1.0 stands before" in user.done("list")


def test_what_cannot_differ_is_what_clusters_compare() -> None:
    assert {"python", *found.TRAVELLING} == set(versions.DECISIVE)


def test_pip_settings_of_the_user_do_not_lead_elsewhere(user: User, tmp_path: Path) -> None:
    user.variables |= {"PIP_USER": "1", "PIP_TARGET": str(tmp_path / "there"), "PIP_QUIET": "3"}
    user.done("create", "mine", "land-tool")
    assert user.told()[0]["packages"] == {"land-tool": "2.0"}


def test_wishes_are_compared_by_name() -> None:
    record = Record((), "3.13", (), "")
    asked = record.asked(["Land_Tool==1", "/a/b.whl"]).asked(["land-tool[x]>=2", "git+https://h/r"])
    assert asked.packages == ("/a/b.whl", "land-tool[x]>=2", "git+https://h/r")


def test_help_shows_how(user: User) -> None:
    shown = user.done("--help")
    assert (
        'geodes-datalab env create mine               an environment, and its kernel "mine"'
        in shown
    )
    for verb in ("add", "create", "list", "remove", "renew"):
        assert f"  {verb} " in shown
        assert "Usage" in user.done(verb, "--help")
    nothing = user.run("add", "mine")
    assert (nothing.returncode, "name at least one package" in nothing.stderr) == (2, True)


def test_a_home_that_cannot_be_written_is_told(user: User) -> None:
    Path(user.environments.parent).mkdir(parents=True)
    user.environments.touch()
    said = user.refused("create", "mine")
    assert "environments cannot be kept in" in said
    assert "What to do: look at who may write there" in said
