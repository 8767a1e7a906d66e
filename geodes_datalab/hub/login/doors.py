"""The hub's door: any authenticator of JupyterHub, and what this datalab asks of it besides."""

from __future__ import annotations

import functools
from typing import Any

from jupyterhub import orm
from jupyterhub.auth import Authenticator
from jupyterhub.utils import maybe_future, new_token
from tornado.web import HTTPError
from traitlets import Bool, Set, Unicode
from traitlets.utils.importstring import import_item

from geodes_datalab.errors import ConfigurationError
from geodes_datalab.hub import messages, pages
from geodes_datalab.hub.login import claims, roster
from geodes_datalab.settings import kinds


class Doors(Authenticator):
    """Put before an authenticator, so that its lists are whole lists and names are told in words.

    Where names alone open the door, whom else the database knows is shut out: without rights and
    cookies from the start of the hub on, and with servers that are stopped. Who is an administrator
    for the database alone is none any more. Everybody else is looked at again whenever JupyterHub
    refreshes what it knows of a person (``auth_refresh_age``).
    """

    blocked_users: set[str]  # of JupyterHub, which has no types
    kept = Set(config=True, help="Accounts of the datalab itself, which nobody logs in to.")
    name_rule = Unicode("", config=True, help="What a user name looks like, in words.")
    allow_all = Bool(  # again: a class of the site's may have put a plain True in the trait's place
        False, config=True, help="Let everybody in who has an account."
    )

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        blocked = {str(name).strip() for name in self.blocked_users}  # YAML reads 1234 as a number
        self.blocked_users = set(map(self.normalize_username, blocked))

    async def add_user(self, user: Any) -> None:
        """Take in somebody whom the database knows, or leave them out."""
        if user.name not in self.kept and roster.shuts_out(self, user.name):
            self.log.warning("%r is known here, but not named any more: shut out", user.name)
            self.blocked_users.add(user.name)
            user.cookie_id = new_token()  # browsers that are still logged in are not any more
            return
        at_start = isinstance(user, orm.User)  # later on, an administrator's word counts
        if at_start and user.admin and roster.demotes(self, user.name):
            self.log.warning("%r is not named as an administrator any more", user.name)
            user.admin = False
            user.roles = [role for role in user.roles if role.name != "admin"]
        await _done(super().add_user(user))

    async def authenticate(self, handler: Any, data: Any = None) -> Any:
        """Let the authenticator say who it is; a name that cannot be one here is told.

        A name that is typed is told whatever the password: the rule is no secret, and who has a
        name here is not told by it.
        """
        if data and pages.door(self) != "account":
            self._check_name(str(data.get("username") or ""), handler)
        result = await _done(super().authenticate(handler, data))
        if result is not None:
            told = result["name"] if isinstance(result, dict) else result
            self._check_name(told, handler)
        return result

    async def refresh_user(self, user: Any, handler: Any = None, **more: Any) -> Any:
        """Look again whether somebody may be here; who may not has no page and no token."""
        result = await _done(super().refresh_user(user, handler, **more))
        if result and user.name not in self.kept and not await self._may_stay(user.name, result):
            self.log.warning("%r may not be here any more", user.name)
            raise HTTPError(403, messages.gone(user.name, pages.translated(handler)))
        return result

    def _check_name(self, told: str, handler: Any) -> None:
        name = self.normalize_username(told)
        if not self.validate_username(name):
            self.log.warning("The name %r of the log-in cannot be a user name here", name[:64])
            said = messages.no_name(name, self.name_rule, pages.translated(handler))
            raise HTTPError(403, said)

    async def _may_stay(self, name: str, found: Any) -> bool:
        if roster.shuts_out(self, name):
            return False
        if not isinstance(found, dict):  # nothing new was told
            return name not in self.blocked_users
        model = {"name": name, "admin": None, **found}
        if not await _done(self.check_blocked_users(name, model)):
            return False
        return self.allow_all or bool(await _done(self.check_allowed(name, model)))


class Claims:
    """Put before OAuthenticator's classes: what providers tell is read as it is meant."""

    auth_state_groups_key: Any
    username_claim: Any

    async def refresh_user(self, user: Any, handler: Any = None, **more: Any) -> Any:
        """Ask the provider again, unless it gives no token to ask with (MediaWiki)."""
        state = await user.get_auth_state()
        if state and "token_response" not in state:
            return True
        return await super().refresh_user(user, handler, **more)  # type: ignore[misc]

    async def get_user_groups(self, auth_state: dict[str, Any]) -> set[str]:
        """Return the groups, also where the provider tells one text instead of a list."""
        key = self.auth_state_groups_key
        told = await _done(key(auth_state)) if callable(key) else claims.find(auth_state, key)
        return claims.texts(told)

    def user_info_to_username(self, user_info: dict[str, Any]) -> str:
        """Return the name, also where its claim lies inside another one or is a number."""
        claim = self.username_claim
        if isinstance(claim, str) and not isinstance(user_info.get(claim), str):
            result = claims.Name(claim)(user_info)
            if result:
                user_info[claim] = result
        name: str = super().user_info_to_username(user_info)  # type: ignore[misc]
        return name


def guarded(authenticator: str | type[Authenticator]) -> type[Authenticator]:
    """Return an authenticator's class with the door before it; its name, and so its section, stays.

    Parameters
    ----------
    authenticator
        The class, or its dotted name.

    Raises
    ------
    ConfigurationError
        It cannot be imported, or is no authenticator.
    """
    try:
        cls = import_item(authenticator) if isinstance(authenticator, str) else authenticator
    except ImportError as error:
        raise ConfigurationError(
            f"the authenticator {authenticator} cannot be imported: {error}",
            hint="correct auth.type, or install the package that holds it",
        ) from error
    if not (isinstance(cls, type) and issubclass(cls, Authenticator)):
        raise ConfigurationError(
            f"{authenticator} is no authenticator of JupyterHub",
            hint="known are " + ", ".join(kind.name for kind in kinds.KINDS),
        )
    result: Any = cls
    return result if issubclass(result, Doors) else _behind(result)


def chosen(c: Any) -> type[Authenticator]:
    """Return the class of authenticators that a configuration names, as JupyterHub would find it.

    Parameters
    ----------
    c
        ``traitlets.config.Config``.
    """
    from jupyterhub.app import JupyterHub

    named = JupyterHub.class_traits()["authenticator_class"]
    cls: type[Authenticator] = named.validate(JupyterHub, c.JupyterHub.authenticator_class)
    return cls


@functools.cache
def _behind(cls: type[Authenticator]) -> type[Authenticator]:
    reads = (Claims,) if _reads_plainly(cls) else ()
    return type(cls.__name__, (Doors, *reads, cls), {"__module__": cls.__module__})


def _reads_plainly(cls: type[Authenticator]) -> bool:
    """Tell whether groups are read as OAuthenticator does it, and not by a site's own rule."""
    owners = (base for base in cls.__mro__ if "get_user_groups" in vars(base))
    return any(base.__module__ == "oauthenticator.oauth2" for base in [*owners][:1])


async def _done(value: Any) -> Any:
    return await maybe_future(value)
