"""Write container images that are a few static files, without a tool: `FROM scratch` and COPY."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import ClusterError


@dataclass(frozen=True)
class Image:
    """An image of one layer.

    Parameters
    ----------
    name
        Name and tag.
    files
        Path inside the image -> program on this machine.
    entrypoint
        The command.
    links
        Path inside the image -> what the symbolic link points to.
    """

    name: str
    files: Mapping[str, Path]
    entrypoint: Sequence[str] = ()
    links: Mapping[str, str] = field(default_factory=dict)


def write(image: Image, target: Path) -> None:
    """Write the image as a docker archive; the same input gives the same bytes."""
    layer = _layer(image)
    digest = hashlib.sha256(layer).hexdigest()
    config = json.dumps(
        {
            "architecture": _architecture(),
            "os": "linux",
            "config": {"Entrypoint": list(image.entrypoint) or None, "Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
    ).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [image.name], "Layers": [f"{digest}.tar"]}]
    part = target.with_suffix(".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(part, "w") as archive:
        _add(archive, f"{digest}.tar", layer, mode=0o644)
        _add(archive, config_name, config, mode=0o644)
        _add(archive, "manifest.json", json.dumps(manifest).encode(), mode=0o644)
    part.rename(target)


def named(path: Path) -> dict[str, str]:
    """Images of an archive: names, and the digests of their configurations.

    Raises
    ------
    ClusterError
        It is neither a docker archive nor an OCI archive.
    """
    try:
        with tarfile.open(path) as content:
            if "manifest.json" in (members := content.getnames()):
                return {
                    name: Path(entry["Config"]).stem
                    for entry in _json(content, "manifest.json")
                    for name in entry["RepoTags"]
                }
            if "index.json" in members:
                return dict(_oci_names(content))
    except tarfile.TarError:
        pass
    raise ClusterError(f"{path} is no image -> give a docker archive or an OCI archive")


def _oci_names(content: tarfile.TarFile) -> Iterator[tuple[str, str]]:
    for entry in _json(content, "index.json")["manifests"]:
        manifest = _json(content, f"blobs/sha256/{entry['digest'].removeprefix('sha256:')}")
        name = entry.get("annotations", {}).get("org.opencontainers.image.ref.name", "")
        yield name, manifest["config"]["digest"]


def _json(content: tarfile.TarFile, member: str) -> Any:
    stream = content.extractfile(member)
    if stream is None:
        raise tarfile.TarError(f"{member} is not a file")
    return json.load(stream)


def _layer(image: Image) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        for folder in ("bin", "tmp", "etc"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            layer.addfile(entry)
        for path, source in sorted(image.files.items()):
            _add(layer, path.lstrip("/"), source.read_bytes(), mode=0o755)
        for path, aim in sorted(image.links.items()):
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.type, entry.linkname = tarfile.SYMTYPE, aim
            layer.addfile(entry)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes, *, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
