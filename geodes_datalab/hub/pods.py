"""What pods of servers and of Dask are told in the same words: account, sizes, variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from geodes_datalab.settings import SecretKey, Settings
from geodes_datalab.settings.environment import plain, secret

ACCOUNT = {"USER": "jovyan", "LOGNAME": "jovyan"}
"""Variables that name the account: under another uid than the image's, nobody else could tell."""


def literal(values: Mapping[str, str]) -> dict[str, str]:
    """Double the braces of values that KubeSpawner would format.

    Parameters
    ----------
    values
        Variables as they shall be in the pod.

    Examples
    --------
    >>> literal({"ADDRESS": "{JUPYTERHUB_SERVICE_PREFIX}proxy"})
    {'ADDRESS': '{{JUPYTERHUB_SERVICE_PREFIX}}proxy'}
    """
    return {
        name: value.replace("{", "{{").replace("}", "}}") if isinstance(value, str) else value
        for name, value in values.items()
    }


def secret_variables(variables: Mapping[str, SecretKey]) -> dict[str, dict[str, Any]]:
    """Return variables whose values Kubernetes brings from Secrets; the hub never reads them.

    Parameters
    ----------
    variables
        Where each one lies.
    """
    return {
        name: {"valueFrom": {"secretKeyRef": place.model_dump()}}
        for name, place in variables.items()
    }


def variables_of_servers(settings: Settings) -> dict[str, str]:
    """Return variables of user servers: the installation's, the catalogue's, the operator's."""
    user = settings.singleuser
    return {**user.environment, **settings.geodes.environment(), **plain(user.extra_env)}


def variables_of_dask(settings: Settings) -> dict[str, str]:
    """Return the same of schedulers and workers."""
    gateway = settings.gateway
    catalogue = settings.geodes.environment()
    return {**gateway.environment, **catalogue, **gateway.backend.environment}


def secrets_of_servers(settings: Settings) -> dict[str, SecretKey]:
    """Return where the variables of user servers lie that are secrets."""
    user, credentials = settings.singleuser, settings.geodes.credentials
    result = {n: key for n, key in user.environment_from_secrets.items() if n not in user.extra_env}
    if credentials.mode == "user":
        own = credentials.user
        place = SecretKey(name=own.secret_name, key=own.key, optional=own.optional)
        result["GEODES_API_KEY"] = place
    return {**result, **secret(user.extra_env)}


def gib(amount: float) -> int:
    """Return bytes."""
    return round(amount * 2**30)
