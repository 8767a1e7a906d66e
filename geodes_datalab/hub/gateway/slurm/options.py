"""What a user may choose when opening a Dask cluster on Slurm."""

from __future__ import annotations

import re
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from typing import Any

from dask_gateway_server.models import User
from dask_gateway_server.options import Field, Float, Integer, Mapping, Options, String

from geodes_datalab.hub.gateway.options import Environment, Named, OptionError, environment
from geodes_datalab.settings import Settings
from geodes_datalab.settings.slurm import SlurmGateway

GIB = 2**30


def cluster_options(settings: Settings, slurm: SlurmGateway) -> Options:
    """Return the options and their limits.

    Parameters
    ----------
    settings
        Hold sizes, limits and the allowed variables.
    slurm
        Settings that hold partitions and the like.
    """
    sizes = settings.gateway.workers
    fields: list[Field] = [
        Integer("worker_cores", default=sizes.cores, min=1, max=sizes.max_cores),
        Float("worker_memory", default=sizes.memory_gib, min=0.25, max=sizes.max_memory_gib),
        String("walltime", default=clock(slurm.walltime_minutes)),
    ]
    for name, values, default in choices(slurm):
        if values:
            fields.append(Named(name, [(item, item) for item in (*default, *values)]))
    if slurm.gpus:
        fields.append(Integer("gpus", default=0, min=0, max=slurm.gpus))
    if slurm.extra_options:
        fields.append(Mapping("sbatch", {}))
    fields.append(Mapping("environment", {}))
    return Options(*fields, handler=Handler(environment(settings), slurm))


def choices(slurm: SlurmGateway) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Return name, values, and what stands before them: the choice of nothing, where there is one."""
    return [
        ("partition", slurm.partitions, ()),
        ("qos", slurm.qos, ()),
        ("account", slurm.projects, ()),
        ("constraint", slurm.constraints, ("",)),
    ]


@dataclass(frozen=True)
class Handler:
    """Turn a user's choice into Dask Gateway's configuration."""

    environment: Environment
    slurm: SlurmGateway

    def __call__(self, options: Any, user: User) -> dict[str, Any]:
        """Return overrides of the cluster's configuration.

        Raises
        ------
        OptionError
            Something that is not allowed; the user reads the message.
        """
        chosen = {name: options[name] for name, values, _ in choices(self.slurm) if values}
        return {
            **chosen,
            "worker_cores": options.worker_cores,
            "worker_memory": round(options.worker_memory * GIB),
            "minutes": self._minutes(options.walltime),
            "gpus": options.gpus if self.slurm.gpus else 0,
            "extra": self._extra(options.sbatch) if self.slurm.extra_options else {},
            "environment": self.environment.merged(options.environment),
        }

    def _minutes(self, text: str) -> int:
        minutes = walltime(text)
        if minutes > self.slurm.max_walltime_minutes:
            most = clock(self.slurm.max_walltime_minutes)
            raise OptionError(f"walltime={text!r} is more than the {most} allowed here", "option")
        return minutes

    def _extra(self, wanted: Dictionary[str, Any]) -> dict[str, str]:
        allowed = self.slurm.extra_options
        for name, value in wanted.items():
            if name not in allowed:
                known = ", ".join(allowed)
                raise OptionError(
                    f"the sbatch option {name!r} is not allowed here; allowed are: {known}",
                    "option",
                )
            if re.fullmatch(allowed[name], str(value)) is None:
                raise OptionError(
                    f"sbatch's {name}={str(value)[:80]!r} must look like {allowed[name]}", "option"
                )
        return {name: str(value) for name, value in wanted.items()}


def walltime(text: str) -> int:
    """Return a time limit in minutes, rounded up.

    Parameters
    ----------
    text
        ``HH:MM:SS``, ``HH:MM``, ``D-HH:MM:SS``, or minutes.

    Raises
    ------
    OptionError
        None of these.

    Examples
    --------
    >>> walltime("01:30:00"), walltime("1-00:00:00"), walltime("90"), walltime("00:00:30")
    (90, 1440, 90, 1)
    """
    result = re.fullmatch(r"(?:(\d{1,3})-)?(\d{1,4}):(\d{2})(?::(\d{2}))?", text.strip())
    if result:
        days, hours, minutes, seconds = (int(item or 0) for item in result.groups())
        total = (days * 24 + hours) * 60 + minutes + (seconds > 0)
    else:
        total = int(text) if re.fullmatch(r"[0-9]{1,6}", text.strip()) else 0
    if total < 1:
        raise OptionError(
            f'walltime={text[:40]!r} is no time: give "HH:MM:SS", or minutes', "option"
        )
    return total


def clock(minutes: int) -> str:
    """Return minutes as ``HH:MM:SS``.

    Examples
    --------
    >>> clock(90)
    '01:30:00'
    """
    return f"{minutes // 60:02d}:{minutes % 60:02d}:00"
