"""The cluster's own images, and bringing images of this machine into the cluster."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import archive as archives
from .errors import ClusterError
from .places import SYSTEM_PATH, Places

# The cluster's own images, and the programs in each.
BASE = {"pause": ["pause"], "coredns": ["coredns"], "busybox": ["busybox", "probe"]}
APPLETS = [
    *("cat", "chmod", "cp", "date", "dd", "df", "echo", "env", "false", "grep", "head", "httpd"),
    *("id", "kill", "ls", "mkdir", "mv", "ps", "rm", "sed", "sh", "sleep", "stat", "tail"),
    *("touch", "true", "vi", "wc"),
]


def name_of(image: str) -> str:
    """Full name of one of the cluster's own images."""
    return f"localhost/cluster/{image}:1"


def archive(places: Places, image: str) -> Path:
    """Where the archive of one of the cluster's own images lies."""
    return places.images / f"{image}.tar"


def write_base(places: Places) -> None:
    """Write the archives of the cluster's own images that are not there yet."""
    links = {f"/bin/{applet}": "busybox" for applet in APPLETS}
    for image, programs in BASE.items():
        if not archive(places, image).exists():
            content = archives.Image(
                name=name_of(image),
                files={f"/bin/{name}": places.binary(name) for name in programs},
                entrypoint=[f"/bin/{image}"] if image != "busybox" else ["/bin/sh"],
                links=links if image == "busybox" else {},
            )
            archives.write(content, archive(places, image))


def load(places: Places, image: str) -> bool:
    """Bring an image into the cluster: a name in buildah's or podman's storage, or an archive file.

    Returns
    -------
    bool
        Whether anything had to be done: the same image, by its digest, is not brought twice.
    """
    if Path(image).is_file():
        wanted = archives.named(Path(image))
    else:
        name, digest = _stored(image)
        wanted = {name: digest}
    known = names(places)
    if all(_has(known, name, digest) for name, digest in wanted.items()):
        return False
    for name in wanted.keys() & known.keys():  # containerd would not see what a name means now
        _ctr(places, "images", "rm", name)
    if Path(image).is_file():
        _ctr(places, "images", "import", image)
    else:
        _import_stored(places, image, name)
    return True


def _import_stored(places: Places, image: str, name: str) -> None:
    with tempfile.TemporaryDirectory(dir=places.run) as folder:
        target = Path(folder) / "image.tar"
        _checked([_tool(), "push", "--quiet", image, f"docker-archive:{target}:{name}"])
        _ctr(places, "images", "import", str(target))


def names(places: Places) -> dict[str, str]:
    """Every image in the cluster, by name, with the digest of its manifest."""
    listed = _ctr(places, "images", "ls").splitlines()[1:]
    return {line.split()[0]: line.split()[2] for line in listed if len(line.split()) > 2}


def _stored(image: str) -> tuple[str, str]:
    """Full name and digest of an image in the local storage."""
    found = json.loads(_checked([_tool(), "inspect", "--type", "image", image]))
    if isinstance(found, list):  # podman's form
        return found[0]["RepoTags"][0], found[0]["Id"]
    return found["FromImage"], found["FromImageID"]


def _has(known: dict[str, str], name: str, digest: str) -> bool:
    """Containerd's Kubernetes side keeps a second name of each image: its digest."""
    return name in known and known[name] == known.get(f"sha256:{digest.removeprefix('sha256:')}")


def _ctr(places: Places, *arguments: str) -> str:
    return _checked(["ctr", "-a", str(places.containerd_socket), "-n", "k8s.io", *arguments])


def _tool() -> str:
    for tool in ("buildah", "podman"):
        if shutil.which(tool, path=SYSTEM_PATH):
            return tool
    raise ClusterError(
        "neither buildah nor podman is here, so no image can be taken from their storage.\n"
        "  -> apt-get install buildah, or give the path of an image archive"
    )


def _checked(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ClusterError(f"{' '.join(command[:4])} ... failed: {done.stderr.strip()[-1000:]}")
    return done.stdout
