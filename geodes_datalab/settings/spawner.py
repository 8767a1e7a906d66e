"""Settings of user servers, wherever they run."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from geodes_datalab.settings.base import Model, Variable
from geodes_datalab.settings.kubernetes import Kubernetes


class Spawner(Model):
    """How user servers are started."""

    kind: str = "local"
    """``local`` (processes of one account), ``kubernetes``, or the dotted class of a spawner."""
    homes: Path = Path("homes")
    """local: folder of the users' homes."""
    logs: Path | None = None
    """local: folder of one log per user; else everything goes to the hub's log."""
    poll_seconds: int = Field(default=5, ge=1)
    """How often the hub looks whether a server still runs."""
    start_timeout: int = Field(default=120, ge=5)
    """Seconds until a server must run (on Kubernetes: volumes, image, start)."""
    http_timeout: int = Field(default=60, ge=5)
    """Seconds until a server that runs must answer."""
    environment: dict[Variable, str] = {}
    """Set in every user server; may refer to nothing secret."""
    kubernetes: Kubernetes | None = None
    """kubernetes: the users' pods."""

    @model_validator(mode="after")
    def _complete(self) -> Spawner:
        if self.kind == "kubernetes" and self.kubernetes is None:
            raise ValueError("kind is kubernetes: describe the pods in spawner.kubernetes")
        return self


class Singleuser(Model):
    """What a user finds in JupyterLab."""

    default_url: str | None = None
    """Page that opens first; by default the notebooks' README, or the Lab where there is none."""
    notebooks: Path | None = None
    """Folder of the shipped notebooks, copied into each home; None: nothing is copied by the hub
    (images bring their own)."""
    notebooks_folder: str = "notebooks"
    """Name of their copy in the home; empty on Kubernetes: images copy none."""
    language: Literal["en", "fr"] = "en"
    """Of the Lab's menus, until the user chooses another."""
    allow_root: bool = False
    """Only for an account that is root itself."""
