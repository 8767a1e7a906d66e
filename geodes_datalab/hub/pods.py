"""What pods of servers and of Dask are told in the same words: account, sizes, variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from geodes_datalab.settings import SecretVariable

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


def secret_variables(variables: Mapping[str, SecretVariable]) -> dict[str, dict[str, Any]]:
    """Return variables whose values Kubernetes brings from Secrets; the hub never reads them.

    Parameters
    ----------
    variables
        Where each one lies.
    """
    return {
        name: {
            "valueFrom": {
                "secretKeyRef": {
                    "name": place.secret,
                    "key": place.key,
                    "optional": place.optional,
                }
            }
        }
        for name, place in variables.items()
    }


def gib(amount: float) -> int:
    """Return bytes."""
    return round(amount * 2**30)
