"""``hub.config``: every trait of JupyterHub stays within reach, and every word in it has an effect.

A class or a trait that does not exist would be ignored without a word, and so would a list of people
beside ours; both are refused, with what to write instead. The chart refuses the same at rendering
(``files/traits.json``, made from the same classes).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

from geodes_datalab.errors import ConfigurationError, near
from geodes_datalab.hub import extra
from geodes_datalab.settings import Settings
from geodes_datalab.settings.kinds import OIDC

Traits = Mapping[str, Mapping[str, Any]]

OURS = {
    "allowed_users": "auth.users",
    "whitelist": "auth.users",
    "admin_users": "auth.admins",
    "allow_all": "auth.allowAll, where the site gives the accounts out; else name who may log in",
}
"""Traits of every authenticator that have a setting of their own."""

OURS_OF_OIDC = {
    "allowed_groups": "auth.oidc.allowedGroups",
    "admin_groups": "auth.oidc.adminGroups",
}
"""More of them, of an identity provider that the settings describe."""

PARTS = (
    "jupyterhub.crypto.CryptKeeper",
    "jupyterhub.httpclient.JupyterHubHTTPClient",
    "jupyterhub.metrics.PeriodicMetricsCollector",
    "jupyter_events.EventLogger",
)
"""What every hub makes of its configuration, whatever else runs."""

GROUPS = ("allowed_groups", "admin_groups")
"""Traits of OAuthenticator that mean groups of the hub, and need them to be told."""


def override(config: Traits, c: Any) -> None:
    """Set traits by class and name, over everything else.

    What is said about a class goes over what stands there about the classes derived from it too:
    traitlets would let the nearer one win. Among what is said itself, the nearer one does.

    Parameters
    ----------
    config
        Class -> trait -> value.
    c
        ``traitlets.config.Config``, with everything else set.
    """
    lines = [[cls.__name__ for cls in line] for line in _lines(c)] if config else []
    for name, traits in config.items():
        nearer = {one for line in lines if name in line for one in line[: line.index(name)]}
        for derived, trait in product(nearer & set(c), traits):
            c[derived].pop(trait, None)
    extra.put(config, c)


def check(settings: Settings, c: Any) -> None:
    """Look at the names in ``hub.config``.

    Parameters
    ----------
    settings
        What the operator wants.
    c
        The configuration with everything else set: it tells which classes run.

    Raises
    ------
    ConfigurationError
        A class or a trait that does not exist or has no effect; all of them at once.
    """
    config = settings.hub.config
    if not config:
        return
    lines = _lines(c)
    known = {cls.__name__: _names(cls) for line in lines for cls in line}
    problems = [*_unknown(config, known), *_gone(config, c), *_beside_ours(settings)]
    problems += _groups(config, c)
    if problems:
        raise ConfigurationError(
            "hub.config cannot be used:\n" + "\n".join(f"  {line}" for line in problems),
            hint="correct these lines, or set it in Python by hub.extraConfig",
        )


def complete(config: Traits, c: Any) -> None:
    """Let the hub take its groups from the provider where somebody is let in by them.

    Parameters
    ----------
    config
        Class -> trait -> value.
    c
        The configuration with everything set.
    """
    from geodes_datalab.hub.login import doors

    cls = doors.chosen(c)
    said = _said(config, cls)
    wanted = any(said.get(trait) for trait in GROUPS) and "manage_groups" not in said
    if wanted and "auth_state_groups_key" in cls.class_trait_names():
        c[cls.__name__].manage_groups = True


def gone(cls: Any) -> dict[str, str]:
    """Return the traits of a class that only stop the hub, with what took their place.

    Parameters
    ----------
    cls
        A class of OAuthenticator, or any other.
    """
    told = getattr(cls, "_deprecated_oauth_aliases", {})
    result = {old: new for old, (new, _, *same) in sorted(told.items()) if same == [False]}
    return {old: result.get(new, new) for old, new in result.items()}


def _gone(config: Traits, c: Any) -> Iterable[str]:
    cls = c.JupyterHub.authenticator_class
    replaced = gone(cls)
    for base in cls.__mro__:
        for trait in config.get(base.__name__, {}):
            if trait in replaced:
                yield f"{base.__name__}.{trait}: it is no more; use {replaced[trait]}"


def _unknown(config: Traits, known: Mapping[str, frozenset[str]]) -> Iterable[str]:
    for name, traits in config.items():
        if name not in known:
            advice = near(name, known, count=1) or "known are: " + ", ".join(sorted(known))
            yield f"{name}: no such class is in use here; {advice}"
            continue
        for trait in traits:
            if trait not in known[name]:
                advice = near(trait, known[name], count=1)
                yield f"{name}.{trait}: there is no such trait" + (f"; {advice}" if advice else "")


def _beside_ours(settings: Settings) -> Iterable[str]:
    oidc = OURS_OF_OIDC if settings.auth.type == OIDC else {}
    for name, traits in settings.hub.config.items():
        for trait in traits:
            if place := (OURS | oidc).get(trait):
                yield f"{name}.{trait}: use {place} instead"


def _groups(config: Traits, c: Any) -> Iterable[str]:
    cls = c.JupyterHub.authenticator_class
    said = _said(config, cls)
    wanted = [trait for trait in GROUPS if said.get(trait)]
    if not wanted or "auth_state_groups_key" not in cls.class_trait_names():
        return
    told = {"auth_state_groups_key", "claim_groups_key", "user_groups_claim"} & set(said)
    if not told and not _tells_groups(cls):
        yield (
            f"{cls.__name__}.{wanted[0]} needs {cls.__name__}.auth_state_groups_key: where the "
            "provider tells somebody's groups"
        )


def _tells_groups(cls: Any) -> bool:
    """Tell whether a class of OAuthenticator knows by itself where groups stand."""
    return any("_auth_state_groups_key_default" in vars(base) for base in cls.__mro__)


def _said(config: Traits, cls: Any) -> dict[str, Any]:
    """Return what is said about a class and those that it is derived from, the nearest last."""
    said: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        said |= config.get(base.__name__, {})
    return said


def _lines(c: Any) -> list[list[Any]]:
    """Return the classes that run, each with those that it is derived from."""
    from jupyterhub.app import JupyterHub
    from traitlets.config import Configurable
    from traitlets.utils.importstring import import_item

    classes = [
        JupyterHub.class_traits()[name].validate(JupyterHub, c.JupyterHub[name])
        for name in ("authenticator_class", "spawner_class", "proxy_class")
        if name in c.JupyterHub
    ]
    return [
        [base for base in cls.__mro__ if issubclass(base, Configurable)]
        for cls in (JupyterHub, *map(import_item, PARTS), *classes)
    ]


def _names(cls: Any) -> frozenset[str]:
    return frozenset(cls.class_trait_names(config=True))
