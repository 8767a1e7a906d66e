"""Settings of Dask clusters on Slurm."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from geodes_datalab.settings.base import Model, Slug

Choice = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.,:=&|+*()\[\]-]{0,63}$")]
"""Name of a partition, a QOS, an account or a constraint, as Slurm spells it."""


class Accounts(Model):
    """From the hub's users to Unix accounts."""

    kind: Literal["identity", "regex", "table", "own"] = "identity"
    """The same name; the group ``account`` of ``pattern``; an entry of ``table``; or, without
    sudo, the one account that the gateway itself runs under."""
    pattern: str = ""
    """regex: must match the whole name, as in ``(?P<account>[a-z]+)@example[.]org``."""
    table: dict[str, str] = {}
    """table: account by name in the hub."""
    least_uid: int = Field(default=1000, ge=1)
    """Accounts below are never used."""

    @model_validator(mode="after")
    def _complete(self) -> Accounts:
        if self.kind == "regex" and "account" not in re.compile(self.pattern).groupindex:
            raise ValueError("pattern must hold a group called account: (?P<account>...)")
        return self


class SlurmGateway(Model):
    """Schedulers and workers as Slurm jobs; most of it is also the launcher's file."""

    instance: Slug = "datalab"
    """Stands in the name of all jobs; two gateways on one Slurm need two."""
    launcher: Literal["sudo", "direct"] = "sudo"
    """``direct``: no sudo, all jobs under the gateway's own account (``accounts.kind = "own"``)."""
    launcher_path: Path = Path("/usr/local/libexec/geodes-datalab-launcher")
    """Where it is installed; root's."""
    launcher_config: Path = Path("/etc/geodes-datalab/launcher.json")
    """The file that it obeys; root's."""
    accounts: Accounts = Accounts()
    """Who is who."""
    sudo: Path = Path("/usr/bin/sudo")
    """Program."""
    sbatch: Path = Path("/usr/bin/sbatch")
    """Program."""
    scancel: Path = Path("/usr/bin/scancel")
    """Program."""
    squeue: Path = Path("/usr/bin/squeue")
    """Program."""
    dask: tuple[str, ...] = ("/opt/geodes-datalab/bin/python", "-m", "dask")
    """Dask's command on the nodes; with Apptainer: ``apptainer exec IMAGE python3 -m dask``."""
    setup: Path | None = None
    """File that a job's shell reads first (``module load ...``); root's."""
    path: str = "/usr/local/bin:/usr/bin:/bin"
    """PATH of jobs."""
    staging: str = "{home}/.geodes-datalab/clusters"
    """Folder of certificates and logs, on a file system that the nodes share; the names in braces
    are ``home`` and ``account``."""
    scratch: str = "/tmp"  # noqa: S108  # of the node
    """Where workers put what does not fit into memory; a folder of the node."""
    listen: str = "node"
    """The one address that schedulers and workers listen on: that of the node's name, of a network
    interface (``ib0``), or an address."""
    api_url: str = ""
    """How nodes reach the gateway's proxy; by default as its own address and path say."""
    partitions: tuple[Choice, ...] = ()
    """Partitions to choose from, the default first; none: Slurm's default, without a choice."""
    qos: tuple[Choice, ...] = ()
    """The same for quality of service."""
    projects: tuple[Choice, ...] = ()
    """The same for Slurm accounts (``--account``)."""
    constraints: tuple[Choice, ...] = ()
    """Features to choose from; the default is none."""
    extra_options: dict[str, str] = {}
    """Further options of sbatch that users may give, each with a pattern of its value:
    ``{"nice": "[0-9]{1,4}"}``."""
    gpus: int = Field(default=0, ge=0)
    """The most GPUs of a worker."""
    walltime_minutes: int = Field(default=120, ge=1)
    """Time limit of jobs, unless the user asks for another."""
    max_walltime_minutes: int = Field(default=1440, ge=1)
    """The most that a user may ask for."""
    queue_hours: float = Field(default=24.0, gt=0)
    """How long jobs may wait in the queue before the gateway gives up."""
    start_seconds: float = Field(default=300.0, gt=0)
    """How long a job that runs may take until it answers."""
    look_seconds: float = Field(default=10.0, gt=0)
    """Time between two looks at the queue."""
    array_tasks: int = Field(default=500, ge=1)
    """The most workers of one job array (Slurm's MaxArraySize bounds it)."""

    @field_validator("extra_options")
    @classmethod
    def _patterns(cls, value: dict[str, str]) -> dict[str, str]:
        for name, pattern in value.items():
            if not re.fullmatch(r"[a-z][a-z-]{1,30}", name) or name in _OURS:
                raise ValueError(f"the option {name!r} of sbatch cannot be given to users")
            re.compile(pattern)
        return value

    @model_validator(mode="after")
    def _consistent(self) -> SlurmGateway:
        if (self.launcher == "direct") != (self.accounts.kind == "own"):
            raise ValueError('launcher = "direct" and accounts.kind = "own" belong together')
        if self.walltime_minutes > self.max_walltime_minutes:
            raise ValueError("walltime_minutes is larger than max_walltime_minutes")
        return self


_OURS = frozenset(
    [
        "account",
        "array",
        "batch",
        "bb",
        "bbf",
        "bcast",
        "chdir",
        "clusters",
        "comment",
        "constraint",
        "container",
        "container-id",
        "cpus-per-task",
        "error",
        "export",
        "export-file",
        "get-user-env",
        "gid",
        "gpus",
        "gpus-per-node",
        "gpus-per-socket",
        "gpus-per-task",
        "gres",
        "input",
        "job-name",
        "mem",
        "mem-per-cpu",
        "mem-per-gpu",
        "no-requeue",
        "nodes",
        "ntasks",
        "ntasks-per-node",
        "open-mode",
        "output",
        "parsable",
        "partition",
        "prolog",
        "propagate",
        "qos",
        "requeue",
        "test-only",
        "time",
        "uid",
        "wait",
        "wrap",
    ]
)
"""Options that the launcher sets or bounds, and those that would run or write something else, or lead
jobs to another Slurm, where nobody would look for them."""
