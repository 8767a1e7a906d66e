"""What a user may choose when opening a Dask cluster."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from dask_gateway_server.models import User
from dask_gateway_server.options import Float, Integer, Mapping, Options, Select

from geodes_datalab.errors import near
from geodes_datalab.hub.pods import variables_of_dask
from geodes_datalab.hub.steps.singleuser import dask_environment
from geodes_datalab.settings import Settings

_SECRETS = ("*KEY*", "*TOKEN*", "*SECRET*", "*PASSWORD*", "*CREDENTIAL*")


def cluster_options(settings: Settings) -> Options:
    """Return the options and their limits.

    Parameters
    ----------
    settings
        Hold sizes, limits and the allowed variables.
    """
    sizes = settings.gateway.workers
    return Options(
        Integer(
            "worker_cores", default=sizes.cores, min=1, max=sizes.max_cores, label="Worker cores"
        ),
        Float(
            "worker_memory",
            default=sizes.memory_gib,
            min=0.25,
            max=sizes.max_memory_gib,
            label="Worker memory (GiB)",
        ),
        Mapping("environment", {}, label="Environment variables"),
        handler=Handler(environment(settings)),
    )


class OptionError(ValueError):
    """A choice that is not allowed, with the option as one word for the metrics."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True)
class Environment:
    """Variables of schedulers and workers: the operator's win over the user's."""

    fixed: Dictionary[str, str]
    """Variables that the operator sets."""
    names: tuple[str, ...]
    """Patterns of the variables that users may set."""

    def merged(self, wanted: Dictionary[str, str]) -> dict[str, str]:
        """Return all variables.

        Raises
        ------
        OptionError
            One that may not be set this way; the user reads the message.
        """
        for name in wanted:
            self._check(name)
        texts = {name: str(value) for name, value in wanted.items()}
        return {**texts, **dask_environment(), **self.fixed}

    def _check(self, name: str) -> None:
        if any(fnmatchcase(name.upper(), pattern) for pattern in _SECRETS):
            raise OptionError(
                f"{name} looks like a secret, and options are stored and shown: "
                "geodes_datalab.open_cluster() brings your credentials to the workers by itself",
                "environment",
            )
        if not any(fnmatchcase(name, pattern) for pattern in self.names):
            raise OptionError(
                f"the variable {name} may not be set for workers; allowed are: "
                + ", ".join(self.names),
                "environment",
            )


def environment(settings: Settings, further: Dictionary[str, str] | None = None) -> Environment:
    """Return which variables clusters have, and which of them users may set.

    Parameters
    ----------
    settings
        Hold both.
    further
        Variables of the backend, before the settings' own.
    """
    fixed = {**(further or {}), **variables_of_dask(settings)}
    return Environment(fixed, settings.gateway.backend.environment_names)


@dataclass(frozen=True)
class Handler:
    """Turn a user's choice into Dask Gateway's configuration."""

    environment: Environment
    """What users may set, and what the operator sets."""

    def __call__(self, options: Any, user: User) -> dict[str, Any]:
        """Return overrides of the cluster's configuration.

        Raises
        ------
        OptionError
            A variable that may not be set this way; the user reads the message.
        """
        return {
            "worker_cores": options.worker_cores,
            "worker_memory": round(options.worker_memory * 2**30),
            "environment": self.environment.merged(options.environment),
        }


class Named(Select):
    """A choice by name whose error names the nearest one, or all."""

    what = ""
    """What is chosen, in words; by default the name of the option."""
    code = "option"
    """Kind of the error, for metrics."""

    def validate(self, x: Any) -> Any:
        """Return a name that exists.

        Raises
        ------
        OptionError
            Another one; the user reads the message.
        """
        if x not in self.options:
            names = [item for item in self.options if item]
            advice = near(str(x), names, count=1) or f"there are {', '.join(names)}"
            raise OptionError(
                f"there is no {self.what or self.field} {x!r} here: {advice}", self.code
            )
        return x
