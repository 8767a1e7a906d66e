"""The kernel of an environment, where Jupyter finds it: in the user's data folder."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geodes_datalab._optional import need
from geodes_datalab.environments import kernel

PROGRAM = "datalab-kernel.py"
"""The environment's copy of the program that starts its kernel."""

_OURS = "geodes-datalab"


@dataclass(frozen=True)
class Spec:
    """A kernel that Jupyter knows."""

    folder: Path
    environment: Path | None
    """The environment that it is the kernel of, if it is one of ours."""


def existing(name: str) -> Spec | None:
    """Return the kernel of a name, or None."""
    folder = _manager().find_kernel_specs().get(name)
    return None if folder is None else Spec(Path(folder), _environment(Path(folder)))


def offered(name: str) -> Path | None:
    """Return the environment whose kernel of this name is in the launcher."""
    return _environment(_folder(name))


def offer(name: str, environment: Path) -> None:
    """Put an environment's kernel into the launcher."""
    shutil.copyfile(kernel.__file__, environment / PROGRAM)
    target = _folder(name)
    shutil.rmtree(target, ignore_errors=True)
    python = need("ipykernel.kernelspec", extra="lab")
    shutil.copytree(python.RESOURCES, target, copy_function=shutil.copyfile)
    spec: dict[str, Any] = python.get_kernel_dict()
    spec["argv"] = ["python", str(environment / PROGRAM), "-f", "{connection_file}"]
    spec["display_name"] = name
    spec["metadata"] = {**spec.get("metadata", {}), _OURS: {"environment": str(environment)}}
    (target / "kernel.json").write_text(json.dumps(spec, indent=1) + "\n", "utf-8")


def withdraw(name: str, environment: Path) -> None:
    """Take an environment's kernel out of the launcher; a kernel of that name that is another's stays."""
    if offered(name) == environment:
        shutil.rmtree(_folder(name), ignore_errors=True)


def _manager() -> Any:
    return need("jupyter_client.kernelspec", extra="lab").KernelSpecManager()


def _folder(name: str) -> Path:
    return Path(_manager().user_kernel_dir) / name


def _environment(folder: Path) -> Path | None:
    try:
        result = json.loads((folder / "kernel.json").read_text("utf-8"))
        return Path(result["metadata"][_OURS]["environment"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
