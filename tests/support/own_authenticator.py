"""An authenticator as a site might write one."""

from __future__ import annotations

from typing import Any

from jupyterhub.auth import Authenticator
from oauthenticator.generic import GenericOAuthenticator  # type: ignore[import-untyped]
from traitlets import Unicode, default


class Everybody(Authenticator):  # type: ignore[misc]
    """Lets in whoever comes, if nobody says otherwise."""

    greeting = Unicode("hello", config=True, help="What is said.")

    @default("allow_all")
    def _open(self) -> bool:
        return True

    async def authenticate(self, handler: Any, data: Any = None) -> str:
        return str(data["username"])


class Mapped(GenericOAuthenticator):  # type: ignore[misc]
    """Has a rule of its own for groups."""

    async def get_user_groups(self, auth_state: dict[str, Any]) -> set[str]:
        return {f"site-{name}" for name in auth_state["oauth_user"]["units"].split(",")}
