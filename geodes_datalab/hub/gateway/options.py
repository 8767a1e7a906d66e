"""What a user may choose when opening a Dask cluster."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from dask_gateway_server.models import User
from dask_gateway_server.options import Float, Integer, Mapping, Options

from geodes_datalab.hub.schema import Gateway
from geodes_datalab.hub.settings.singleuser import dask_environment

_SECRETS = ("*KEY*", "*TOKEN*", "*SECRET*", "*PASSWORD*", "*CREDENTIAL*")


def cluster_options(gateway: Gateway) -> Options:
    """Return the options and their limits.

    Parameters
    ----------
    gateway
        Settings that hold sizes, limits and the allowed variables.
    """
    sizes = gateway.workers
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
        handler=Handler(dict(gateway.environment), gateway.environment_names),
    )


@dataclass(frozen=True)
class Handler:
    """Turn a user's choice into Dask Gateway's configuration."""

    environment: Dictionary[str, str]
    """Variables that the operator sets."""
    names: tuple[str, ...]
    """Patterns of the variables that users may set."""

    def __call__(self, options: Any, user: User) -> dict[str, Any]:
        """Return overrides of the cluster's configuration.

        Raises
        ------
        ValueError
            A variable that may not be set this way; the user reads the message.
        """
        for name in options.environment:
            self._check(name)
        return {
            "worker_cores": options.worker_cores,
            "worker_memory": round(options.worker_memory * 2**30),
            "environment": {**options.environment, **dask_environment(), **self.environment},
        }

    def _check(self, name: str) -> None:
        if any(fnmatchcase(name.upper(), pattern) for pattern in _SECRETS):
            raise ValueError(
                f"{name} looks like a secret, and options are stored and shown: "
                "geodes_datalab.open_cluster() brings your credentials to the workers by itself"
            )
        if not any(fnmatchcase(name, pattern) for pattern in self.names):
            raise ValueError(
                f"the variable {name} may not be set for workers; allowed are: "
                + ", ".join(self.names)
            )
