"""Who is named: "nobody else" means nobody else, also on a hub that knows others.

JupyterHub keeps everybody who ever came, with cookies and tokens that go on working, and takes them
for allowed as soon as a list of users is set. Here a list is the whole list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NAMES = frozenset({"allowed_users", "admin_users"})
_OTHER = ("allow_all", "allow_existing_users")
_KNOWN = frozenset({"jupyterhub", "oauthenticator", "ldapauthenticator", "ltiauthenticator"})


def named(authenticator: Any) -> frozenset[str]:
    """Return the names of those who may come in by name, as they stand in the database."""
    every = {*authenticator.allowed_users, *authenticator.admin_users}
    return frozenset(authenticator.normalize_username(name) for name in every)


def names_alone(authenticator: Any) -> bool:
    """Tell whether names alone open the door: somebody is named, and no group or organization is.

    A class that decides by rules of its own (a site's) is not judged: it says who may come in.

    Parameters
    ----------
    authenticator
        Of the hub, with its configuration.
    """
    if not named(authenticator) or any(getattr(authenticator, name) for name in _OTHER):
        return False
    return not _decides_itself(authenticator) and not any(_other_doors(authenticator))


def shuts_out(authenticator: Any, name: str) -> bool:
    """Tell whether somebody whom the database knows is out, because others are named.

    Parameters
    ----------
    authenticator
        Of the hub, with its configuration.
    name
        As it stands in the database.
    """
    return names_alone(authenticator) and name not in named(authenticator)


def _other_doors(authenticator: Any) -> list[bool]:
    traits = authenticator.trait_names(config=True)
    lists = [
        name
        for name in traits
        if name not in _NAMES and name.startswith(("allowed_", "admin_")) and "password" not in name
    ]
    institutions = getattr(authenticator, "idps", {}) if "idps" in traits else {}
    return [
        *(bool(getattr(authenticator, name)) for name in lists),
        *(_opens(told) for told in institutions.values()),
    ]


def _opens(institution: Any) -> bool:
    """Tell whether a provider of CILogon lets people in without their names."""
    told = institution if isinstance(institution, Mapping) else {}
    return bool(told.get("allow_all") or told.get("allowed_domains"))


def _decides_itself(authenticator: Any) -> bool:
    owner = next(cls for cls in type(authenticator).__mro__ if "check_allowed" in vars(cls))
    return owner.__module__.partition(".")[0] not in _KNOWN
