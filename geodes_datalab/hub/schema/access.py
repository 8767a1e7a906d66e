"""Settings of logging in."""

from __future__ import annotations

from pydantic import model_validator

from geodes_datalab.hub.schema.base import Model, Secret

_NAME = r"^[a-z][a-z0-9._-]{0,31}$"
_KUBERNETES_NAME = r"^[a-z0-9][a-z0-9._@+-]{0,127}$"


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
    """Groups whose members may log in; none: everybody whom the provider lets in."""
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
    """Who may log in."""

    kind: str = "shared-password"
    """``shared-password`` (trials), ``oidc``, or short name or dotted class of an authenticator."""
    password: Secret | None = None
    """shared-password: of users (at least 8 characters)."""
    admin_password: Secret | None = None
    """shared-password: of administrators (at least 32 characters)."""
    oidc: Oidc | None = None
    """oidc: the identity provider."""
    admins: tuple[str, ...] = ()
    """Names of administrators."""
    users: tuple[str, ...] = ()
    """Names that may log in; none means everybody who authenticates."""
    name_pattern: str = ""
    """What a user name looks like. Empty: ``[a-z][a-z0-9._-]*`` up to 32 characters where names
    become folders (local mode); on Kubernetes e-mail addresses are names too."""

    @model_validator(mode="after")
    def _complete(self) -> Authenticator:
        if self.kind == "oidc" and self.oidc is None:
            raise ValueError("kind is oidc: describe the identity provider in authenticator.oidc")
        return self

    def pattern(self, *, kubernetes: bool) -> str:
        """Return what a user name looks like, as a regular expression."""
        return self.name_pattern or (_KUBERNETES_NAME if kubernetes else _NAME)
