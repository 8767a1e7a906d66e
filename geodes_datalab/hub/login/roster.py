"""Who is named: "nobody else" means nobody else, also on a hub that knows others.

JupyterHub keeps everybody who ever came, with cookies and tokens that go on working, and takes them
for allowed as soon as a list of users is set; and an administrator stays one for ever. Here a list
is the whole list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyterhub.auth import Authenticator

_NAMES = frozenset({"allowed_users", "admin_users", "allowed_idps"})
"""Traits that open the door to nobody else; CILogon's old name for ``idps`` is judged as that."""

_OTHER = ("allow_all", "allow_existing_users")
_KNOWN = frozenset({"jupyterhub", "oauthenticator", "ldapauthenticator", "ltiauthenticator"})


def named(authenticator: Any) -> frozenset[str]:
    """Return the names of those who may come in by name, as they stand in the database.

    The hub has written both lists that way before it asks; a second time would be once too often for
    a class of the site's that puts something before each name.
    """
    return frozenset({*authenticator.allowed_users, *authenticator.admin_users})


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


def demotes(authenticator: Any, name: str) -> bool:
    """Tell whether an administrator whom the database knows is none any more.

    Whom a class of the site's own, or a group at the provider, makes an administrator is not judged;
    nor is anybody where the database counts on purpose (``allow_existing_users``).

    Parameters
    ----------
    authenticator
        Of the hub, with its configuration.
    name
        As it stands in the database.
    """
    if authenticator.allow_existing_users or _is_own(type(authenticator)):
        return False
    chiefs = [trait for trait in _lists(authenticator) if trait.startswith("admin_")]
    return not any(getattr(authenticator, trait) for trait in chiefs) and (
        name not in authenticator.admin_users
    )


def _other_doors(authenticator: Any) -> list[bool]:
    institutions = getattr(authenticator, "idps", {}) if authenticator.has_trait("idps") else {}
    return [
        *(bool(getattr(authenticator, name)) for name in _lists(authenticator)),
        *(_opens(told) for told in institutions.values()),
    ]


def _lists(authenticator: Any) -> list[str]:
    """Return the traits that may let people in, or make administrators, without their names."""
    return [
        name
        for name in authenticator.trait_names(config=True)
        if name not in _NAMES and name.startswith(("allowed_", "admin_")) and "password" not in name
    ]


def _opens(institution: Any) -> bool:
    """Tell whether a provider of CILogon lets people in without their names."""
    told = institution if isinstance(institution, Mapping) else {}
    return bool(told.get("allow_all") or told.get("allowed_domains"))


def _decides_itself(authenticator: Any) -> bool:
    owner = next(cls for cls in type(authenticator).__mro__ if "check_allowed" in vars(cls))
    return _unknown(owner)


def _is_own(cls: type) -> bool:
    """Tell whether a class is the site's, or derived from one of the site's."""
    ours = __package__.partition(".")[0]
    authenticators = (base for base in cls.__mro__ if issubclass(base, Authenticator))
    return any(
        _unknown(base) and base.__module__.partition(".")[0] != ours for base in authenticators
    )


def _unknown(cls: type) -> bool:
    return cls.__module__.partition(".")[0] not in _KNOWN
