"""Settings of logging in."""

from __future__ import annotations

from pydantic import model_validator

from geodes_datalab.settings.base import Model, Secret
from geodes_datalab.settings.kinds import OIDC, SHARED, find

_NAME = r"^[a-z][a-z0-9._-]{0,31}$"
_UNSEEN = r"\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
_KUBERNETES_NAME = rf"^[^/\\{{}}{_UNSEEN}]{{1,128}}\Z"


class Oidc(Model):
    """The site's identity provider (OpenID Connect)."""

    authorize_url: str
    """Where browsers log in."""
    token_url: str
    """Where the hub changes a code for a token."""
    userdata_url: str
    """Where the hub asks who that is."""
    client_id: str
    """Of this datalab at the provider."""
    client_secret: Secret
    """Of this datalab at the provider."""
    callback_url: str = ""
    """Where the provider sends browsers back; empty: ``hub.public_url`` + ``hub/oauth_callback``."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    """What is asked of the provider; some name groups only for a scope ``groups``."""
    username_claim: str = "preferred_username"
    """Claim that becomes the user's name here: stable and unique (``sub`` always is)."""
    groups_claim: str = "groups"
    """Claim that lists the user's groups; ``a.b`` looks inside. Empty: no groups."""
    allowed_groups: tuple[str, ...] = ()
    """Groups whose members may log in, besides the names in ``users`` and ``admins``."""
    admin_groups: tuple[str, ...] = ()
    """Groups whose members administrate the hub."""
    login_service: str = ""
    """Name of the provider on the login button."""

    @model_validator(mode="after")
    def _groups_need_a_claim(self) -> Oidc:
        if not self.groups_claim and (self.allowed_groups or self.admin_groups):
            raise ValueError("allowed_groups and admin_groups need groups_claim")
        return self


class Authenticator(Model):
    """Who may log in: nobody but those who are named, unless the door is opened on purpose."""

    kind: str = SHARED
    """``shared-password`` (trials), ``oidc``, another short name (``github``, ``ldap``...), or the
    dotted class of an authenticator, which ``hub.config`` sets."""
    password: Secret | None = None
    """shared-password: of users (at least 8 characters)."""
    admin_password: Secret | None = None
    """shared-password: of administrators (at least 32 characters)."""
    oidc: Oidc | None = None
    """oidc: the identity provider."""
    admins: tuple[str, ...] = ()
    """Names of administrators, who may log in too."""
    users: tuple[str, ...] = ()
    """Names that may log in. None: everybody who knows the shared password; with an account of
    one's own, only members of the groups (organizations...) that are named."""
    allow_all: bool = False
    """Everybody who has an account may log in. Only where the site itself gives the accounts out:
    oidc, ldap, lti."""
    name_pattern: str = ""
    """What a user name looks like. Empty: ``[a-z][a-z0-9._-]*`` up to 32 characters where names
    become folders (local mode); on Kubernetes anything but ``/``, ``\\``, braces and control
    characters."""

    @model_validator(mode="after")
    def _complete(self) -> Authenticator:
        kind = find(self.kind)
        if self.kind == OIDC and self.oidc is None:
            raise ValueError("kind is oidc: describe the identity provider in authenticator.oidc")
        if self.allow_all and not kind.site:
            raise ValueError(
                f"allow_all would let every account of {self.kind} in: name who may log in (users, "
                "admins, or the provider's groups or organizations in hub.config)"
            )
        listed = "users" if self.users else "oidc.allowed_groups" if self._groups() else ""
        if self.allow_all and listed:
            raise ValueError(f"allow_all and {listed} exclude each other: leave one of them out")
        return self

    def _groups(self) -> tuple[str, ...]:
        return self.oidc.allowed_groups if self.oidc is not None and self.kind == OIDC else ()

    @property
    def open(self) -> bool:
        """Whether nobody needs to be named."""
        return self.allow_all or (self.kind == SHARED and not self.users)

    def pattern(self, *, kubernetes: bool) -> str:
        """Return what a user name looks like, as a regular expression."""
        return self.name_pattern or (_KUBERNETES_NAME if kubernetes else _NAME)

    def rule(self, *, kubernetes: bool) -> str:
        """Return what a user name looks like, in words."""
        if self.name_pattern:
            return f"The pattern of this site's names is {self.name_pattern}"
        if kubernetes:
            return "A name has up to 128 characters, none of them a slash, a backslash or a brace."
        return (
            "A name is 1 to 32 small letters, digits, dots, dashes or underscores, a letter first."
        )
