"""The harness's own pieces, as far as they can be judged without a cluster."""

from __future__ import annotations

import io
import json
import os
import ssl
import string
import sys
import tarfile
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from harness import (
    Cluster,
    ClusterError,
    Places,
    addons,
    archive,
    certificates,
    needs,
    parts,
    processes,
    versions,
)
from harness import cluster as cluster_module
from harness import settings as cluster_settings
from support.waiting import eventually

FOREVER = [sys.executable, "-c", "import time; print('started', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(cache=tmp_path / "cache", state=tmp_path / "state")


@pytest.fixture
def image(tmp_path: Path) -> archive.Image:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF")
    return archive.Image(
        name="localhost/cluster/thing:1",
        files={"/bin/thing": program},
        entrypoint=["/bin/thing"],
        links={"/bin/other": "thing"},
    )


def test_an_image_holds_what_it_was_given(image: archive.Image, tmp_path: Path) -> None:
    target = tmp_path / "image.tar"
    archive.write(image, target)
    with tarfile.open(target) as outer:
        manifest = json.load(outer.extractfile("manifest.json"))[0]
        config = json.load(outer.extractfile(manifest["Config"]))
        layer = outer.extractfile(manifest["Layers"][0]).read()
    assert config["config"]["Entrypoint"] == ["/bin/thing"]
    with tarfile.open(fileobj=io.BytesIO(layer)) as inner:
        assert inner.extractfile("bin/thing").read() == b"\x7fELF"
        assert inner.getmember("bin/thing").mode == 0o755
        assert inner.getmember("bin/other").linkname == "thing"
    assert archive.named(target) == {image.name: Path(manifest["Config"]).stem}


def test_an_image_is_the_same_twice(image: archive.Image, tmp_path: Path) -> None:
    for name in ("one.tar", "two.tar"):
        archive.write(image, tmp_path / name)
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_oci_archives_are_named_too(tmp_path: Path) -> None:
    entry = {
        "digest": "sha256:aa",
        "annotations": {"org.opencontainers.image.ref.name": "localhost/thing:2"},
    }
    members = {
        "index.json": {"manifests": [entry]},
        "blobs/sha256/aa": {"config": {"digest": "sha256:bb"}},
    }
    with tarfile.open(tmp_path / "oci.tar", "w") as written:
        for name, content in members.items():
            text = json.dumps(content).encode()
            header = tarfile.TarInfo(name)
            header.size = len(text)
            written.addfile(header, io.BytesIO(text))
    assert archive.named(tmp_path / "oci.tar") == {"localhost/thing:2": "sha256:bb"}


def test_every_module_is_pinned() -> None:
    names = [name for module in versions.modules() for name in module.binaries]
    assert {"etcd", "kube-apiserver", "kubelet", "kubectl", "helm", "coredns"} <= set(names)
    assert len(names) == len(set(names))
    for module in versions.modules():
        assert module.version.startswith("v")
        assert all(package.startswith(module.path) for package in module.binaries.values())


def test_another_version_is_another_cache(tmp_path: Path) -> None:
    text = versions.FILE.read_text()
    changed = tmp_path / "versions.toml"
    changed.write_text(text.replace("v1.34.4", "v1.34.5"))
    assert tomllib.loads(changed.read_text()) != tomllib.loads(text)
    assert versions.key(changed) != versions.key()


def test_strict_clients_take_the_api_servers_certificate(tmp_path: Path) -> None:
    certificates.write(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "apiserver.crt", tmp_path / "apiserver.key")
    client = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
    client.verify_flags |= ssl.VERIFY_X509_STRICT  # Python's default from 3.13 on
    for name in ("10.245.0.1", "10.96.0.1", "kubernetes.default.svc"):
        shake_hands(client, server, name)
    with pytest.raises(ssl.SSLCertVerificationError, match="example"):
        shake_hands(client, server, "kubernetes.example")


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> None:
    one, other = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(one, other, server_hostname=name),
        server.wrap_bio(other, one, server_side=True),
    ]
    for end in ends * 3:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue


def test_credentials_are_private(tmp_path: Path) -> None:
    certificates.write(tmp_path)
    secret = [*tmp_path.glob("*.key"), *tmp_path.glob("*.kubeconfig")]
    assert len(secret) > len(certificates.IDENTITIES)
    assert {path.stat().st_mode & 0o777 for path in secret} == {0o600}


def test_commands_name_only_files_that_are_written(places: Places) -> None:
    certificates.write(places.pki)
    cluster_settings.write(places)
    made_later = {"etcd", "audit.log", "kubelet"}  # their own programs make these
    for name in parts.NAMES:
        for word in parts.part(places, name).command:
            path = Path(word.rpartition("=")[2])
            if path.is_relative_to(places.state) and path.name not in made_later:
                assert path.exists(), f"{name}: {word}"


def test_what_is_applied_is_filled_in() -> None:
    text = addons.base_manifest()
    assert not string.Template(text.replace("$VOL_DIR", "")).get_identifiers()
    documents = list(yaml.safe_load_all(text))
    assert {"Deployment", "StorageClass", "Service"} <= {found["kind"] for found in documents}


def test_only_root_may(monkeypatch: pytest.MonkeyPatch, places: Places) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "run as root" in (needs.why_not(places) or "")


def programs(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).touch(mode=0o755)
    return folder


@pytest.fixture
def bare_debian(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Return a function that makes this machine one of root's, with these programs and plugins."""

    def has(*, path: tuple[str, ...] = (), plugins: tuple[str, ...] = ()) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        monkeypatch.setattr(needs, "SYSTEM_PATH", str(programs(tmp_path / "bin", *path)))
        monkeypatch.setattr(needs, "CNI_FOLDER", programs(tmp_path / "cni", *plugins))

    return has


def test_missing_packages_are_told(bare_debian: Callable[..., None], places: Places) -> None:
    bare_debian()
    told = needs.why_not(places) or ""
    every = "conntrack containerd containernetworking-plugins iproute2 iptables mount procps runc"
    assert told == f"missing: {every} util-linux -> apt-get install {every} util-linux"


@pytest.mark.parametrize(
    ("present", "told"),
    [
        (needs.PLUGINS, "conntrack containerd iproute2"),
        (needs.PLUGINS[1:], "conntrack containerd containernetworking-plugins iproute2"),
    ],
    ids=["all plugins", "one is lacking"],
)
def test_packages_that_are_there_are_not_told(
    bare_debian: Callable[..., None], places: Places, present: tuple[str, ...], told: str
) -> None:
    bare_debian(path=("iptables", "mount", "nsenter", "runc", "sysctl"), plugins=present)
    assert needs.why_not(places) == f"missing: {told} -> apt-get install {told}"


def test_nothing_is_missing_where_everything_is(bare_debian: Callable[..., None]) -> None:
    bare_debian(path=tuple(needs.PROGRAMS), plugins=needs.PLUGINS)
    assert list(needs._missing_packages()) == []


def test_a_program_outlives_its_start_and_is_found_again(places: Places) -> None:
    processes.start(places, "thing", FOREVER, {"COLOUR": "blue"})
    number = processes.pid(places, "thing")
    assert number is not None
    try:
        eventually(lambda: "started" in (places.logs / "thing.log").read_text(), "its word")
        assert list(processes.owned(places)) == [number]
        assert os.getsid(number) == number, "a signal to our group must not reach it"
        assert b"COLOUR=blue" in Path(f"/proc/{number}/environ").read_bytes()
    finally:
        processes.stop(places, "thing")
    assert processes.pid(places, "thing") is None
    assert list(processes.owned(places)) == []


def test_a_deaf_program_is_killed(places: Places) -> None:
    processes.start(places, "deaf", STUBBORN, {})
    eventually(lambda: "deaf" in (places.logs / "deaf.log").read_text(), "its word")
    processes.stop(places, "deaf", within=0.01)  # it will not end by itself, however long one waits
    assert list(processes.owned(places)) == []


def test_a_reused_process_id_is_not_ours(places: Places) -> None:
    processes.start(places, "thing", FOREVER, {})
    file = places.run / "thing.pid"
    number, birth = file.read_text().split()
    try:
        file.write_text(f"{number} {int(birth) - 1}\n")
        assert processes.pid(places, "thing") is None
        processes.stop(places, "thing")
        assert list(processes.owned(places)) == [int(number)], "it must not be stopped"
    finally:
        processes.end([int(number)], hard=True)


def test_a_failed_command_tells_what_it_said() -> None:
    with pytest.raises(ClusterError, match=r"sh -c .* failed \(3\): no luck"):
        processes.run(["sh", "-c", "echo no luck >&2; exit 3"])


def test_signals_are_those_that_were_asked_for(places: Places) -> None:
    told = "import signal, sys; signal.signal(15, lambda *_: (print('softly', flush=True), sys.exit()))"
    command = [sys.executable, "-c", f"{told}; print('up', flush=True); signal.pause()"]
    log = places.logs / "polite.log"
    for hard in (False, True):
        log.unlink(missing_ok=True)
        processes.start(places, "polite", command, {})
        eventually(lambda: "up" in log.read_text(), "its word")
        processes.stop(places, "polite", hard=hard)
        assert ("softly" in log.read_text()) is not hard


@pytest.mark.parametrize("tied", [True, False])
def test_a_tied_start_that_fails_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tied: bool
) -> None:
    """Nobody else would take it down; one that outlives its starter is left to be looked at."""

    def fail(*_: object, **__: object) -> None:
        cluster_module.MARKER.touch()
        raise ClusterError("no luck")

    removed: list[Places] = []
    for name in ("LOCK", "MARKER"):
        monkeypatch.setattr(cluster_module, name, tmp_path / name)
    monkeypatch.setattr(cluster_module.cleanup, "left", lambda places: [])
    monkeypatch.setattr(cluster_module.cleanup, "remove", removed.append)
    monkeypatch.setattr(Cluster, "build", lambda self: None)
    monkeypatch.setattr(Cluster, "_start", fail)
    cluster = Cluster(tmp_path / "state", tmp_path / "cache")
    with pytest.raises(ClusterError, match="no luck"):
        cluster.up(tied=tied)
    assert removed == [cluster.places] * tied
    assert cluster_module.MARKER.exists() is not tied
