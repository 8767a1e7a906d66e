"""Wheels and sources of packages that a test installs: made on the spot, as no registry is asked."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path

SLOW = """
import os, pathlib, time
def get_requires_for_build_wheel(config_settings=None):
    return []
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    pathlib.Path(os.environ["BUILD_BEGAN"]).touch()
    time.sleep(3600)
"""
EDITABLE = """
import pathlib, zipfile
def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    about, name = "{module}-1.dist-info", "{module}-1-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory, name), "w") as wheel:
        wheel.writestr("{module}.pth", str(pathlib.Path(__file__).parent))
        wheel.writestr(about + "/METADATA", "Metadata-Version: 2.1\\nName: {name}\\nVersion: 1\\n")
        wheel.writestr(about + "/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(about + "/RECORD", "")
    return name
"""


def wheel(
    folder: Path, name: str, version: str = "1.0", requires: Sequence[str] = (), code: str = ""
) -> Path:
    """Make a wheel with one module, that knows its version and has a command of its name."""
    module, record = name.replace("-", "_"), f"{name.replace('-', '_')}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Requires-Dist: {each}" for each in requires]
    files = {
        f"{module}.py": f"__version__ = {version!r}\ndef main(): print({name!r}, __version__)\n{code}",
        f"{record}/METADATA": "\n".join(metadata) + "\n",
        f"{record}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{record}/entry_points.txt": f"[console_scripts]\n{name} = {module}:main\n",
    }
    sums = [f"{path},sha256={_sum(text)},{len(text)}" for path, text in files.items()]
    files[f"{record}/RECORD"] = "\n".join([*sums, f"{record}/RECORD,,"]) + "\n"
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inner, text in files.items():
            archive.writestr(inner, text)
    return path


def endless(folder: Path, name: str) -> Path:
    """Make the source of a package whose build tells that it began (``BUILD_BEGAN``), and never ends."""
    source = folder / name
    source.mkdir()
    (source / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "1"\n'
        '[build-system]\nrequires = []\nbuild-backend = "slow"\nbackend-path = ["."]\n'
    )
    (source / "slow.py").write_text(SLOW)
    return source


def editable(name: str) -> dict[str, str]:
    """Return the files of a folder that `pip install -e` takes: it builds itself, and needs nothing."""
    project = f'[project]\nname = "{name}"\nversion = "1"\n'
    backend = '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'
    own = EDITABLE.format(name=name, module=name.replace("-", "_"))
    return {"pyproject.toml": project + backend, "own.py": own}


def _sum(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
